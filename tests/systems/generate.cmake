# The suite carries the recipes' texts: generated/recipes.c lists tools/recipes by name, with the stream's as stream/NAME.
# Its cases are those of definitions/NAME.c, each of which has one table: const system_case systems_NAME[].
set(folder ${PROJECT_SOURCE_DIR}/tools/recipes)
file(GLOB recipes RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*.json ${folder}/stream/*.json)
set(includes "")
set(rows "")
set(headers "")
foreach(recipe IN LISTS recipes)
  string(REGEX REPLACE "\\.json$" "" name ${recipe})
  string(MAKE_C_IDENTIFIER recipe_${name} array)
  set(header ${TESSERA_GENERATED}/${array}.h)
  add_custom_command(OUTPUT ${header}
    COMMAND tessera_embed bytes ${folder}/${recipe} ${header} ${array}
    DEPENDS ${folder}/${recipe} tessera_embed VERBATIM)
  list(APPEND headers ${header})
  string(APPEND includes "#include \"${array}.h\"\n")
  string(APPEND rows "    {\"${name}\", ${array}},\n")
endforeach()
file(CONFIGURE OUTPUT ${TESSERA_GENERATED}/recipes.c @ONLY CONTENT
"/* The recipes' texts by name. */
#include \"systems/recipes.h\"

@includes@
const system_recipe system_recipes[] = {
@rows@    {0},
};
")
file(GLOB definitions CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/systems/definitions/*.c)
set(tables "")
set(rows "")
foreach(definition IN LISTS definitions)
  get_filename_component(name ${definition} NAME_WE)
  string(APPEND tables "extern const system_case systems_${name}[];\n")
  string(APPEND rows "    systems_${name},\n")
endforeach()
file(CONFIGURE OUTPUT ${TESSERA_GENERATED}/system_tables.c @ONLY CONTENT
"/* The tables of the files of systems. */
#include \"systems/system.h\"

@tables@
const system_case *const system_tables[] = {
@rows@    NULL,
};
")
set(TESSERA_SYSTEM_SOURCES ${TESSERA_GENERATED}/recipes.c ${TESSERA_GENERATED}/system_tables.c ${headers})
