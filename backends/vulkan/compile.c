/* SPIR-V made at run time from kernel texts, by the glslang library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#ifdef TSR_WITH_GLSLANG
#include <glslang/Include/glslang_c_interface.h>
#include <glslang/build_info.h>
#include <pthread.h>

#include "preamble_glsl.h"

#define QUOTE(x) #x
#define TEXT(x) QUOTE(x)

const char vk_compiler[] = "glslang " TEXT(GLSLANG_VERSION_MAJOR) "." TEXT(GLSLANG_VERSION_MINOR) "." TEXT(GLSLANG_VERSION_PATCH);

/* glslang 12 has the call in its libraries and the header not. */
const glslang_resource_t *glslang_default_resource(void);

/* The library keeps its symbol tables for the process: they are shared by all threads and never given back. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static void start(void) { ready = glslang_initialize_process(); }

/* The whole text, of which line 1 of the given one is line 1 of a file of that name. */
static char *assemble(const char *name, const char *text)
{
    static const char *const format = "%s#line 1 \"%s\"\n%s";
    const int length = snprintf(NULL, 0, format, preamble_glsl, name, text);
    char *whole = length < 0 ? NULL : malloc((size_t)length + 1);
    if (whole) snprintf(whole, (size_t)length + 1, format, preamble_glsl, name, text);
    return whole;
}

static tsr_status refuse(const char *name, const char *log)
{
    return tsr_fail(TSR_ERROR_COMPILE, "kernel text %s was refused by glslang: %.1500s", name, log && log[0] ? log : "(no reason given)");
}

static tsr_status generate(const char *name, glslang_program_t *program, uint32_t **words, size_t *count)
{
    glslang_spv_options_t options = {.disable_optimizer = true};
    glslang_program_SPIRV_generate_with_options(program, GLSLANG_STAGE_COMPUTE, &options);
    const size_t size = glslang_program_SPIRV_get_size(program);
    if (size == 0) return refuse(name, glslang_program_SPIRV_get_messages(program));
    *words = malloc(size * sizeof(**words));
    if (!*words) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %zu words of kernel text %s", size, name);
    glslang_program_SPIRV_get(program, *words);
    *count = size;
    return TSR_OK;
}

tsr_status vk_compile_glsl(const char *name, const char *text, uint32_t vulkan, uint32_t **words, size_t *count)
{
    *words = NULL;
    *count = 0;
    pthread_once(&once, start);
    if (!ready) return tsr_fail(TSR_ERROR_INTERNAL, "glslang did not start");
    const bool later = vulkan >= VK_API_VERSION_1_3;
    const int rules = GLSLANG_MSG_SPV_RULES_BIT | GLSLANG_MSG_VULKAN_RULES_BIT;
    char *whole = assemble(name, text);
    const glslang_input_t input = {.language = GLSLANG_SOURCE_GLSL,
                                   .stage = GLSLANG_STAGE_COMPUTE,
                                   .client = GLSLANG_CLIENT_VULKAN,
                                   .client_version = later ? GLSLANG_TARGET_VULKAN_1_3 : GLSLANG_TARGET_VULKAN_1_2,
                                   .target_language = GLSLANG_TARGET_SPV,
                                   .target_language_version = later ? GLSLANG_TARGET_SPV_1_6 : GLSLANG_TARGET_SPV_1_5,
                                   .code = whole,
                                   .default_version = 460,
                                   .default_profile = GLSLANG_NO_PROFILE,
                                   .messages = (glslang_messages_t)rules,
                                   .resource = glslang_default_resource()};
    glslang_shader_t *shader = whole ? glslang_shader_create(&input) : NULL;
    glslang_program_t *program = shader ? glslang_program_create() : NULL;
    tsr_status status;
    if (!program) {
        status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to compile kernel text %s", name);
    } else if (!glslang_shader_preprocess(shader, &input) || !glslang_shader_parse(shader, &input)) {
        status = refuse(name, glslang_shader_get_info_log(shader));
    } else {
        glslang_program_add_shader(program, shader);
        status = glslang_program_link(program, rules) ? generate(name, program, words, count) : refuse(name, glslang_program_get_info_log(program));
    }
    if (program) glslang_program_delete(program);
    if (shader) glslang_shader_delete(shader);
    free(whole);
    return status;
}
#else
const char vk_compiler[] = "none";

tsr_status vk_compile_glsl(const char *name, const char *text, uint32_t vulkan, uint32_t **words, size_t *count)
{
    (void)text;
    (void)vulkan;
    *words = NULL;
    *count = 0;
    return tsr_fail(TSR_ERROR_UNSUPPORTED, "kernel text %s cannot be compiled: this build has no glslang (TESSERA_GLSLANG=ON)", name);
}
#endif
