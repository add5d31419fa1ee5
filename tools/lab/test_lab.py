"""Tests of the lab's own reading and judging, on texts small enough to check by hand: python3 tools/lab/test_lab.py"""
import tempfile
import unittest

import asm
import issue
import loop
import nir
import rows
import table
import units

# A loop of unknown length around one of 4 turns; in it two matrix products, a multiply-add and a load.
ACO = """BB0:
\ts_mov_b32 s0, s3                    ; be800003
BB1:
\ts_cmp_eq_i32 s2, 0                  ; bf008002
\ts_cbranch_scc0 BB4                  ; bfa10018
BB2:
\tglobal_load_b128 v[0:3], v1, s[0:1] ; dc5c8100
\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc404000
\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc404000
\tv_fmac_f32_e32 v1, v2, v3           ; 56020702
\ts_waitcnt vmcnt(0)                  ; bf8903f7
\ts_cbranch_scc1 BB2                  ; bfa2fff0
BB3:
\ts_branch BB1                        ; bfa0ffe0
BB4:
\ts_endpgm                            ; bfb00000
"""
# A loop of one load of four matrices, one product and one special function.
NAK = """block 0 L0 [] -> {
                     r9 = mov r8                                              // delay=1
block.u 1 L1 [0, 1] -> {
                     r4..8 = ldsm.16.m8n8.x4 [r9+0x400]                       // delay=1 wr:0
                     r0..4 = hmma.m16n8k16.f32 r0..4 r10..14 r4..6 r0..4      // delay=18 wt=000001
                     r20 = mufu.exp2.f32 r21                                  // delay=1 wr:1
@!up0                bra pT L1                                                // delay=1
block 2 L2 [1] -> {
                     exit                                                     // delay=1
"""
LOG = """BB0
\t(  7 clk)   s0 = s_mov_b32 s3
BB1
\t(  1 clk)   scc = s_cmp_eq_i32 s2, 0
BB2
\t(300 clk)   v[0-3] = global_load_b128
\t( 64 clk)   v[0-7] = v_wmma
BB3
\t(  3 clk)   s_branch block:BB1
"""
NIR = """    con loop {
        con block b1:         // preds: b0 b5
        div 32     %20 = phi b0: %3, b5: %21
        if %22 {
            break
        }
        div loop {
            div block b3:         // preds: b2 b3
            div 32     %30 = phi b2: %4, b3: %31
            con 32     %40 = load_const (0x00000100 = 256)
            con 32     %41 = imin %9, %40 (0x100)
            div 1      %33 = ieq %30, %43 (0x40)
            if %33 {
                div block b4: // preds: b3
            }
            div 32     %31 = iadd %30, %42 (0x40)
            div 1      %32 = ilt %31, %41
            div 1      %34 = ior %35, %32
            if %34 {
                div block b5: // preds: b4
            } else {
                break
            }
        }
"""


def row(**more):
    return dict.fromkeys(rows.NAMES) | {"device": "navi31", "variant": "flash f16 d64", "kernel": "flash", "compiler": "one", "status": "ok",
                                        "registers": 96, "spills": 0, "scratch": 0, "occupancy": 8, "cycles": 1000} | more


class Reading(unittest.TestCase):
    def test_loops(self):
        found = asm.loops(asm.parse(ACO, "aco"))
        self.assertEqual([loop.depth for loop in found], [1, 2])

    def test_repeats(self):
        """An instruction of ir3 that repeats is read with how often it does; a branch behind marks is a branch."""
        blocks = asm.parse("l1:\n(sy)(rpt1)mad.f32 r0.x, (r)r1.x, r2.x, (r)r0.x\n(ss)br p0.x, #l1\nend\n", "ir3")
        self.assertEqual(issue.ir3("adreno740", blocks[1].lines[0], 64), ("fma", 2, 128))
        self.assertEqual((blocks[1].targets, blocks[1].divergent), (["l1"], True))

    def test_turns(self):
        self.assertEqual(nir.trips(NIR), [None, 4])  # from a lane's number by 64 up to min(unknown, 256)

    def test_tests_within(self):
        """What a counter is compared with is a bound only where the loop is left by it."""
        self.assertEqual(nir.trips(NIR.replace("ior %35, %32", "ior %35, %33")), [None, 1])
        self.assertEqual(nir.trips(NIR.replace("ior %35, %32", "ior %35, %36")), [None, None])

    def test_bound_computed(self):
        divided = NIR.replace("%41 = imin %9, %40 (0x100)", """%50 = imin %9, %40 (0x100)
            con 32     %51 = iadd %50, %52 (0x3)
            con 32     %53 = isign %51
            con 32     %54 = iabs %51
            con 32     %55 = ushr %54, %56 (0x2)
            con 32     %41 = imul %53, %55""")  # (min(unknown, 256) + 3) / 4, as compilers write it
        self.assertEqual(nir.trips(divided), [None, 1])

    def test_main_loop(self):
        kernel = loop.Kernel(ACO, NIR, LOG, "aco", "navi31", 32)
        outer, kind = kernel.main_loop()
        numbers, slots, macs = kernel.sums(outer)
        self.assertEqual(kind, "matrix")
        self.assertEqual(numbers["matrix"], 8)
        self.assertEqual(slots, {"scalar": 3 + 4, "memory": 4, "matrix": 4 * 64, "fma": 4, "wait": 0})
        self.assertEqual(macs, 4 * (2 * 4096 + 32))
        measured = loop.measure(kernel, 2)
        self.assertEqual(measured["share"], round(256 / 271, 3))
        self.assertEqual(measured["estimate"], (1 + 4 * 364 + 3) / 2)
        self.assertEqual(loop.measure(kernel, 16)["estimate"], 260)  # many waves: the vector port is the narrowest
        self.assertEqual(kernel.busy(outer), {"valu": 4 * 65, "memory": 4 * 32 * 16 / 64, "scalar": 7})
        self.assertEqual((measured["unit"], measured["bound"]), ("valu", round(256 / 260, 3)))

    def test_bound(self):
        """One loop: what it loads bounds it where products are fast, and products where they are slow."""
        for device, unit, bound in (("ampere", "load/store", 8 / 16), ("ga102", "matrix", 1)):
            measured = loop.measure(loop.Kernel(NAK, "", "", "nak", device, 32), 8)
            self.assertEqual((measured["unit"], measured["bound"]), (unit, bound), device)
        kernel = loop.Kernel(NAK, "", "", "nak", "turing", 32)
        self.assertEqual(kernel.busy(kernel.main_loop()[0]), {"load/store": 32, "issue": 4, "matrix": 32, "special": 8, "scalar": 1})

    def busy(self, dialect, device, op, subgroup):
        kind, slots, _ = issue.RATES[dialect](device, op, subgroup)
        return units.UNITS[dialect](device, op, subgroup, kind, slots)

    def test_units(self):
        for device, op, subgroup, clocks in (
                ("navi31", "v_exp_f32_e32 v0, v1", 32, {"valu": 1, "special": 4}),
                ("navi31", "v_mul_lo_u32 v0, v1, v2", 32, {"valu": 4}),
                ("navi31", "ds_load_b128 v[0:3], v4", 32, {"shared": 8}),
                ("navi31", "ds_load_2addr_stride64_b32 v[0:1], v2", 32, {"shared": 4}),
                ("navi31", "ds_load_u16_d16 v0, v1", 32, {"shared": 2}),
                ("navi31", "global_load_b128 v[0:3], v4, s[0:1]", 32, {"memory": 8}),
                ("navi31", "global_store_b128 v4, v[0:3], s[0:1]", 32, {"memory": 16}),
                ("navi31", "buffer_gl0_inv", 32, {"memory": 1}),
                ("vega10", "v_exp_f32_e32 v0, v1", 64, {"valu": 16}),
                ("vega10", "ds_read2_b64 v[0:3], v4", 64, {"shared": 32}),
                ("vega10", "global_load_dwordx4 v[0:3], v4, s[0:1]", 64, {"memory": 64}),
                ("vega10", "s_add_u32 s0, s1, s2", 64, {"scalar": 4})):
            self.assertEqual(self.busy("aco", device, op, subgroup), clocks, op)
        for device, op, clocks in (
                ("ampere", "f2fp.pack_ab r0, r1", {"alu": 2}), ("ampere", "f2f.f16.f32.re r0", {"special": 8}), ("ampere", "imad r0 r1 r2", {"fma": 2}),
                ("ampere", "hadd2 r0 r1", {"half": 1}), ("ga102", "hadd2 r0 r1", {"fma": 2}), ("turing", "ldsm.16.m8n8.x2 [r3]", {"load/store": 16}),
                ("ampere", "st.shared.strong.cta.b128 [r0] r4", {"load/store": 16}), ("ampere", "ld.global.a64.strong.gpu.u16 [r0]", {"load/store": 4}),
                ("ampere", "membar.sc..cta", {"load/store": 1}), ("turing", "shfl.bfly r3 0x2 0x1f", {"load/store": 4}), ("ampere", "nop", {})):
            self.assertEqual(self.busy("nak", device, op, 32), clocks | {"issue": 1}, op)
        self.assertEqual(self.busy("ir3", "adreno740", "(sy)ldl.u32 r0.x, l[r1.x], 4", 64), {"load/store": 16, "issue": 1})
        self.assertEqual(self.busy("ir3", "adreno740", "(rpt2)nop", 64), {"issue": 3})

    def test_units_intel(self):
        for device, op, clocks in (
                ("xehpg", "mov (8|M0) r1.0<1>:hf r2.0<1;1,0>:f", {"float": 1, "issue": 1}),
                ("xehpg", "mov (8|M0) r1.0<1>:f r2.0<1;1,0>:d", {"int": 1, "issue": 1}),
                ("xehpg", "math.exp (8|M0) r1.0<1>:f r2.0<1;1,0>:f", {"int": 4, "issue": 1}),
                ("xelp", "math.exp (8|M0) r1.0<1>:f r2.0<1;1,0>:f", {"special": 4, "issue": 1}),
                ("gen9", "math.exp (8|M0) r1.0<1>:f r2.0<1;1,0>:f", {"special": 4, "fpu": 2}),
                ("xehpg", "load.slm.d32x32t.a32 (1|M0) r1:4 [r5:1]", {"load/store": 16, "issue": 1}),
                ("xehpg", "load.slm.d32x8.a32 (8|M0) r1:8 [r9:1]", {"load/store": 32, "issue": 1}),
                ("xehpg", "load.ugm.d16u32.a32.ca.ca (8|M0) r1:1 bti[0][r2:1]", {"load/store": 4, "issue": 1}),
                ("gen9", "sends (8|M0) null:ud r1 r2 0x4C 0x02026EFE", {"load/store": 4}),
                ("gen9", "send (8|M0) r1:d r5 0xC 0x02406E07", {"load/store": 16})):
            self.assertEqual(self.busy("gen", device, op, 8), clocks, op)

    def test_rates(self):
        self.assertEqual(issue.aco("gfx1201", "v_wmma_f32_16x16x16_f16 v[0:7]", 32), ("matrix", 16, 4096))
        self.assertEqual(issue.gen("xehpg", "mad (8|M0) r82.0<1>:f r22.0<1;0>:f r51.0<1;0>:f r81.0<0>:f", 8), ("fma", 1, 8))
        self.assertEqual(issue.gen("gen9", "send (8|M0) r36:f r27 0xC 0x024060FE", 8)[0], "shared")
        self.assertEqual(issue.gen("gen9", "send (8|M0) r34:d r34 0xA 0x02110802", 8)[0], "memory")
        self.assertEqual(issue.gen("xehpg", "dpas.8x8 (8|M0) r118:f null:f r167:hf r2.0:hf", 8), ("matrix", 16, 1024))
        self.assertEqual(issue.gen("xehpg", "dpas.8x8 (8|M0) r30:d null:d r22:b r14.0:b", 8), ("matrix", 16, 2048))
        self.assertEqual(issue.gen("xehpc", "dpas.8x8 (16|M0) r95:f null:f r103:hf r71.0:hf", 16), ("matrix", 8, 2048))
        self.assertEqual(issue.aco("vega10", "v_fma_f32 v0, v1, v2, v3", 64), ("fma", 4, 64))
        self.assertEqual(issue.aco("navi10", "v_fma_mix_f32 v0, lo(v1), hi(v2), v3", 64), ("fma", 2, 64))
        self.assertEqual(issue.aco("navi10", "v_fma_mix_f32 v0, 1.0, lo(v2), v3", 64), ("alu", 2, 0)) # an addition
        self.assertEqual(issue.aco("vega10", "v_pk_mul_f16 v0, v1, v2.xx", 64), ("fma", 4, 128))
        self.assertEqual(issue.aco("navi31", "v_dual_fmac_f32 v0, v1, v2 :: v_dual_fmac_f32 v3, v4, v5", 32), ("fma", 1, 64))
        self.assertEqual(issue.nak("ampere", "hmma.m16n8k16.f32 r0 r4 r8 r0", 32), ("matrix", 8, 2048))
        self.assertEqual(issue.nak("ga102", "hmma.m16n8k16.f32 r0 r4 r8 r0", 32), ("matrix", 32, 2048))
        self.assertEqual(issue.nak("ga102", "imma.m16n8k32.s8.s8 r0 r4 r8 r0", 32), ("matrix", 16, 4096))
        self.assertEqual(issue.nak("ga102", "ffma.ftz r0 r1 r2", 32), ("fma", 1, 32))
        self.assertEqual(issue.nak("ga102", "fadd.ftz r0 r1", 32), ("alu", 1, 0))
        for half in ("fmnmx.ftz r0 r1 pF", "iadd3 r0 r1 r2", "mov r0", "f2fp.pack_ab r0, r1"):
            self.assertEqual(issue.nak("ga102", half, 32), ("alu", 2, 0), half)


class Judging(unittest.TestCase):
    def against(self, now, before, full=False):
        notes = []
        return list(table.check_against(now, before, full, notes)), notes

    def test_spills(self):
        self.assertEqual(len(list(table.check_rows([row(), row(spills=3, status="spills")]))), 1)
        self.assertEqual(list(table.check_rows([row(kernel="ggml", spills=3, status="spills")])), [])

    def test_worse(self):
        for worse in ({"cycles": 1051}, {"occupancy": 7}, {"registers": 106}, {"spills": 1}, {"scratch": 16}):
            self.assertEqual(len(self.against([row(**worse)], [row()])[0]), 1, worse)
        for fine in ({"cycles": 1050}, {"occupancy": 9}, {"registers": 105}):
            self.assertEqual(self.against([row(**fine)], [row()]), ([], []), fine)

    def test_without_cycles(self):
        before = row(device="xehpg", cycles=None, issue=1000.0, occupancy=4)
        for worse in ({"issue": 1101.0}, {"occupancy": 3}, {"spills": 2}):
            self.assertEqual(len(self.against([before | worse], [before])[0]), 1, worse)
        self.assertEqual(self.against([before | {"issue": 1099.0}], [before]), ([], []))

    def test_accepted(self):
        """What is accepted is found again: a row of a compiler that tells no cycles."""
        made = row(device="gen9", cycles=None, issue=1274.5, share=0.296)
        with tempfile.NamedTemporaryFile() as file:
            rows.write_tsv(file.name, [made])
            self.assertEqual(rows.read_tsv(file.name), [made])

    def test_older_table(self):
        """A table from before there was a column is read, judged by and written."""
        names = [name for name in rows.NAMES if name not in ("unit", "bound")]
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
            file.write("\t".join(names) + "\n" + "\t".join(rows.cell(row(cycles=900)[name]) for name in names) + "\n")
            file.flush()
            before = rows.read_tsv(file.name)
            self.assertEqual(before, [row(cycles=900)])
            self.assertEqual(len(self.against([row(unit="valu", bound=0.8)], before)[0]), 1)
            rows.write_tsv(file.name, before)

    def test_other_compiler(self):
        wrong, notes = self.against([row(compiler="two", cycles=9000)], [row()])
        self.assertEqual((wrong, len(notes)), ([], 1))

    def test_missing(self):
        both = [row(), row(kernel="merge")]
        self.assertEqual(self.against([row()], both)[0], [])
        self.assertEqual(len(self.against([row()], both, full=True)[0]), 1)


if __name__ == "__main__":
    unittest.main()
