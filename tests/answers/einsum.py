"""Sums of products over named dimensions: equations of every form, and random ones."""

import numpy as np

from answers import Answers

a = Answers("einsum", f"NumPy {np.__version__}")
wide = lambda x: x.astype(np.float64) if x.dtype == np.float32 else x
codes = lambda equation: [ord(c) for c in equation]


def check(equation, *operands, note=""):
    y = np.einsum(equation, *map(wide, operands))
    a.case("einsum", operands, [y], codes(equation), note=note or equation)


for equation, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ij,kj->ik", (2, 3), (4, 3)),
    ("ji,jk->ik", (3, 2), (3, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bij,jk->bik", (2, 3, 4), (4, 5)), ("i,i->", (5,), (5,)), ("i,i", (5,), (5,)),
    ("i,j->ij", (3,), (4,)), ("i,j->ji", (3,), (4,)), ("ij->ji", (2, 3)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ii->", (4, 4)), ("ii", (4, 4)),
    ("ii->i", (4, 4)), ("iij->ij", (3, 3, 2)), ("iji->j", (3, 2, 3)), ("iii->i", (3, 3, 3)), ("iijj->ij", (2, 2, 3, 3)), ("ijij->ji", (2, 3, 2, 3)),
    ("ii,ij->j", (3, 3), (3, 2)), ("ij,ij->ij", (2, 3), (2, 3)), ("ij,ij->", (2, 3), (2, 3)), ("bi,bi->b", (4, 3), (4, 3)), ("ij,j->ij", (2, 3), (3,)),
    ("ij,j->i", (2, 3), (3,)), (",->", (), ()), (",ij->ji", (), (2, 3)), ("->", ()), ("i->i", (3,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->mi", (2, 3), (3, 4), (4, 5), (5, 2)), ("i,j,k->kij", (2,), (3,), (4,)), ("ij,ik,il->ijkl", (2, 3), (2, 2), (2, 4)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)), ("bhqk,bkhd->bqhd", (2, 2, 3, 5), (2, 5, 2, 4)), ("ijk,jkl,kli->l", (2, 3, 4), (3, 4, 2), (4, 2, 2)),
    ("abcd,cdef->abef", (2, 3, 2, 2), (2, 2, 3, 2)), ("aBA,ABc->Bc", (2, 3, 4), (4, 3, 2)), ("Ab,bA", (2, 3), (3, 2)), (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)), ("...ij,...jk->...ik", (3, 1, 2, 4), (5, 4, 2)), ("...ij,jk->...ik", (2, 2, 3, 4), (4, 2)),
    ("...ij,...jk->...ik", (2, 3), (3, 4)), ("...ij,...jk->ik...", (2, 2, 3), (1, 3, 2)), ("...i->...", (2, 3, 4)), ("...->...", (2, 3)), ("...ii->...i", (2, 3, 3)),
    ("i...,i...->...", (3, 2), (3, 2)), ("i...,i...", (3, 2), (3, 2)), ("...j,...", (2, 3), (2,)), ("a...b->b...a", (2, 3, 4, 5)), ("...,...->...", (2, 1), (3,)),
    ("...,->...", (2, 3), ()), ("i...j,j...k->...ik", (2, 1, 3), (3, 4, 2)),
]:
    check(equation, *[np.asarray(a.normal(*shape)) for shape in shapes])
for equation, *shapes in [
    ("ij,jk->ik", (2, 0), (0, 3)), ("ij,jk->ik", (0, 2), (2, 3)), ("ij->i", (2, 0)), ("ii->", (0, 0)), ("ii->i", (0, 0)), ("i,j->ij", (0,), (3,)), ("i,i->", (0,), (0,)),
    ("ij,jk->ik", (1, 1), (1, 1)), ("ij,jk->ik", (3, 1), (1, 4)), ("ij,jk->ik", (1, 3), (3, 1)), ("bij,bjk->bik", (3, 1, 2), (3, 2, 1)), ("bij,bjk->bik", (1, 2, 3), (1, 3, 2)),
    ("...ij,...jk->...ik", (0, 2, 3), (1, 3, 2)), ("iij->j", (1, 1, 2)),
]:
    check(equation, *[a.normal(*shape) for shape in shapes], note=f"{equation} of empty or single axes")
for equation, *shapes in [("ij,jk->ik", (2, 3), (3, 4)), ("ij->j", (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)), ("ii->i", (3, 3)), ("i,j,k->ijk", (2,), (2,), (3,)), ("ij->ji", (2, 3))]:
    check(equation, *[a.integers(-9, 10, *shape) for shape in shapes], note=f"{equation} int32")
check("i,i->i", np.array([2**31 - 1, 70000], np.int32), np.array([2, 70000], np.int32), note="products of elements wrap")
check("ij,jk->ik", a.integers(-9, 10, 2, 3), a.normal(3, 2), note="int32 with float32")
check("ij->ji", a.integers(0, 2, 2, 3).astype(bool), note="bool moves")
x = np.array([[np.nan, 1], [np.inf, 2]], np.float32)
check("ii->i", x, note="what is not finite stays where it is")
check("ii->i", x[::-1].copy(), note="what is not finite stays where it is")

# Random equations: labels of fixed sizes, each operand some of them, some twice, the output some of what occurs.
SIZES = dict(zip("abcdE", (2, 3, 1, 4, 2)))
pick = lambda names, count: list(a.random.choice(names, count))
for _ in range(80):
    terms = [pick(list(SIZES), a.random.integers(0, 4)) for _ in range(a.random.integers(1, 5))]
    found = sorted(set("".join(map("".join, terms))))
    out = list(a.random.permutation(found))[: a.random.integers(0, len(found) + 1)]
    dots = a.random.integers(0, 3) == 0
    shapes = [[SIZES[n] for n in term] for term in terms]
    if dots:
        under = [[1, 1], [2, 1], [2, 3], [3], [1], []]
        for term, shape in zip(terms, shapes):
            at, more = a.random.integers(0, len(term) + 1), under[a.random.integers(0, len(under))]
            term.insert(at, "...")
            shape[at:at] = more
        out.insert(a.random.integers(0, len(out) + 1), "...")
    equation = ",".join(map("".join, terms)) + "->" + "".join(out)
    check(equation, *[np.asarray(a.normal(*shape)) for shape in shapes])

for left, right, axes in [
    ((2, 3, 4), (4, 3, 5), ([2, 1], [0, 1])), ((2, 3), (3, 4), ([-1], [0])), ((2, 3), (2, 3), ([0, 1], [0, 1])), ((2,), (3, 2), ([], [])), ((2, 0), (0, 3), ([1], [0])),
    ((3, 1), (1, 2), ([1], [0])), ((2, 3, 4), (3,), ([1], [0])),
]:
    x, y = a.normal(*left), a.normal(*right)
    a.case("tensordot", [x, y], [np.tensordot(wide(x), wide(y), axes)], axes[0] + axes[1])
for left, right in [((), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 3, 4), (5, 4, 2)), ((2, 3), (3, 0)), ((1,), (1,))]:
    x, y = np.asarray(a.normal(*left)), np.asarray(a.normal(*right))
    a.case("dot", [x, y], [np.dot(wide(x), wide(y))])
    a.case("outer", [x, y], [np.outer(wide(x), wide(y))])
x, y = a.integers(-9, 10, 2, 3), a.integers(-9, 10, 3)
a.case("dot", [x, y], [np.dot(x, y)])
a.case("outer", [x, y], [np.outer(x, y)])
# Products of 32-bit numbers are exact, and wrap.
big = lambda *shape: a.integers(-(2**31), 2**31, *shape).astype(np.int32)
odd = lambda *shape: a.integers(2**12, 2**13, *shape).astype(np.int32) | 1
for make in (odd, big):
    for left, right in [((2, 3), (3, 4)), ((5, 70), (70, 9)), ((3, 0), (0, 2)), ((2, 4, 6), (6, 5)), ((2, 1, 4, 6), (3, 6, 5))]:
        x, y = make(*left), make(*right)
        a.case("matMul", [x, y], [np.matmul(x, y)], [0, 0], note="int32")
    x, y = make(7, 3), make(4, 7)
    a.case("matMul", [x, y], [np.matmul(x.T, y.T)], [1, 1], note="int32 transposed")
    x, y = x.view(np.uint32), y.view(np.uint32)
    a.case("matMul", [x, y], [np.matmul(x.T, y.T)], [1, 1], note="uint32 transposed")
    x, y = make(6), make(6)
    a.case("dot", [x, y], [np.dot(x, y)], note="int32")
    check("bij,bjk->kbi", make(2, 3, 4), make(2, 4, 5), note="bij,bjk->kbi large int32")
x, y = odd(3, 4), a.integers(-9, 10, 4, 2).astype(np.int8)
a.case("matMul", [x, y], [np.matmul(x, y.astype(np.int32))], [0, 0], note="int32 and int8")
a.write()
