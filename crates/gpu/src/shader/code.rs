//! A shader under construction: its uniforms, bindings and functions.

use headwater_core::Listed;
use std::fmt::Write;

use headwater_core::plan::{Access, Map, Plan, Source, ValueId};
use headwater_core::DType;

use super::math;
use super::{Shader, Slot};

/// Storage buffers of one shader: what every WebGPU device allows.
pub const MAX_BUFFERS: usize = 8;
/// Invocations of a workgroup.
pub const GROUP: usize = 64;
/// The most workgroups along one dimension.
pub const MAX_GROUPS: usize = 65_535;

/// The whole part of the square root of a number of elements. The standard library's is for all numbers, and long.
#[cfg(any(feature = "scan", feature = "sort"))]
pub fn root(n: usize) -> usize {
    (n as f64).sqrt() as usize
}

/// See the module.
pub struct Code<'p> {
    /// The plan, for the dtypes of its values.
    pub plan: &'p Plan,
    /// Whether the map's program computes four neighbouring elements at a time, in vectors.
    pub wide: bool,
    fields: String,
    words: Vec<u32>,
    params: Vec<(usize, usize)>,
    /// Buffers, and what they hold: see [`headwater_core::plan::Value::stored`].
    reads: Vec<(Slot, DType)>,
    vectors: Vec<Slot>,
    writes: Vec<(Slot, DType)>,
    helpers: Vec<&'static str>,
    wide_helpers: Vec<&'static str>,
    functions: String,
}

/// The WGSL type of a scalar.
pub fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::Bool => "bool",
        // Plans hold no other: see `DType::lane`.
        _ => "i32",
    }
}

/// How a map's input is read four elements at a time.
#[derive(PartialEq)]
enum Quad {
    /// Four neighbours in memory.
    Neighbours,
    /// One element for all four.
    Same,
}

/// How `access` is read four elements of the innermost dimension at a time, if it can be.
fn quad(access: &Access) -> Option<Quad> {
    let view = &access.view;
    if view.is_contiguous() && access.source != Source::Index {
        return Some(Quad::Neighbours);
    }
    let (&inner, outer) = view.strides.split_last()?;
    match inner {
        0 => Some(Quad::Same),
        1 if view.offset.is_multiple_of(4) && outer.iter().all(|s| s % 4 == 0) => Some(Quad::Neighbours),
        _ => None,
    }
}

/// Whether a map's program reads the buffer of a value.
pub fn reads(map: &Map, value: ValueId) -> bool {
    map.inputs.iter().any(|a| a.source == Source::Buffer(value))
}

/// Whether a map can compute four neighbouring elements at a time. `scalars` are values that the head reads one by one.
pub fn can_be_wide(map: &Map, scalars: &[ValueId]) -> bool {
    let inner = map.shape.last().copied().unwrap_or(1);
    let read = |a: &Access, as_what: &Quad| quad(a).is_some_and(|q| q == *as_what);
    let of = |a: &Access, v: ValueId| a.source == Source::Buffer(v);
    inner.is_multiple_of(4)
        && map.inputs.iter().all(|a| match (a.source, quad(a)) {
            (Source::Index, q) => q.is_some(),
            (Source::Buffer(_), None) => false,
            (Source::Buffer(_), Some(Quad::Same)) => true,
            // A buffer is bound with one element type.
            (Source::Buffer(v), Some(Quad::Neighbours)) => {
                !scalars.contains(&v) && !map.inputs.iter().any(|b| of(b, v) && read(b, &Quad::Same))
            }
        })
}

impl<'p> Code<'p> {
    /// An empty shader.
    pub fn new(plan: &'p Plan) -> Code<'p> {
        Code {
            plan,
            wide: false,
            fields: String::new(),
            words: Vec::new(),
            params: Vec::new(),
            reads: Vec::new(),
            vectors: Vec::new(),
            writes: Vec::new(),
            helpers: Vec::new(),
            wide_helpers: Vec::new(),
            functions: String::new(),
        }
    }

    /// Appends module-scope text.
    pub fn push(&mut self, text: &str) {
        self.functions.push_str(text);
    }

    /// A uniform of WGSL type `kind`; returns how to read it. An empty name makes one up.
    fn field(&mut self, name: &str, kind: &str, word: u32) -> String {
        let made_up = format!("u{}", self.words.len());
        let name = if name.is_empty() { &made_up } else { name };
        let _ = writeln!(self.fields, "  {name}: {kind},");
        self.words.push(word);
        format!("u.{name}")
    }

    /// Uniforms `u.name` with the given values.
    #[inline]
    pub fn sizes<const N: usize>(&mut self, sizes: [(&str, usize); N]) {
        self.all_sizes(&sizes);
    }

    #[inline(never)]
    fn all_sizes(&mut self, sizes: &[(&str, usize)]) {
        for &(name, value) in sizes {
            self.field(name, "u32", value as u32);
        }
    }

    /// A float uniform.
    pub fn float(&mut self, name: &str, value: f32) {
        self.field(name, "f32", value.to_bits());
    }

    /// A number that does not belong to the text.
    pub fn number(&mut self, value: usize) -> String {
        self.field("", "u32", value as u32)
    }

    /// A constant: as a literal, or as a uniform where WGSL has none (infinities, NaN) or compilers may refuse it (what only
    /// rounding takes to the largest number).
    pub fn constant(&mut self, dtype: DType, bits: u32) -> String {
        match dtype {
            DType::F32 => {
                let value = f32::from_bits(bits);
                match value as i32 {
                    whole if (whole as f32).to_bits() == bits => format!("f32({whole})"),
                    _ if value.abs() < 3.4e38 => format!("bitcast<f32>({bits}u)"),
                    _ => self.field("", "f32", bits),
                }
            }
            DType::Bool => (bits != 0).to_string(),
            _ => format!("i32({})", bits as i32),
        }
    }

    /// The WGSL type of a register of the map's program.
    pub fn register(&self, dtype: DType) -> &'static str {
        register_name(dtype, self.wide)
    }

    /// A scalar as a register.
    pub fn splat(&self, dtype: DType, scalar: String) -> String {
        if self.wide {
            format!("{}({scalar})", self.register(dtype))
        } else {
            scalar
        }
    }

    /// The name of a helper that takes and gives registers.
    pub fn function(&mut self, name: &'static str) -> String {
        self.need(name);
        if !self.wide {
            return name.into();
        }
        if !self.wide_helpers.contains(&name) {
            self.wide_helpers.push(name);
        }
        format!("{name}4")
    }

    /// The plan's run-time scalar `param`.
    pub fn param(&mut self, dtype: DType, param: usize) -> String {
        self.params.push((self.words.len(), param));
        let field = self.field("", stored_name(dtype, false), 0);
        if dtype == DType::Bool {
            format!("({field} != 0u)")
        } else {
            field
        }
    }

    /// The name of the function that reads an element of a buffer, as a register.
    pub fn read(&mut self, value: ValueId) -> String {
        self.read_slot(Slot::Value(value), self.plan.values[value].stored)
    }

    /// As [`Code::read`].
    pub fn read_slot(&mut self, slot: Slot, dtype: DType) -> String {
        let known = self.reads.iter().position(|(s, _)| *s == slot);
        let n = known.unwrap_or_else(|| {
            self.reads.push((slot, dtype));
            self.reads.len() - 1
        });
        format!("buf{n}")
    }

    /// As [`Code::read`], of a buffer that is an array of vectors; nothing else may read it.
    pub fn read_vectors(&mut self, value: ValueId) -> String {
        self.vectors.push(Slot::Value(value));
        self.read(value)
    }

    /// As [`Code::read_vectors`], of float32.
    pub fn read_slot_vectors(&mut self, slot: Slot) -> String {
        self.vectors.push(slot);
        self.read_slot(slot, DType::F32)
    }

    /// The name of a buffer to write as an array.
    pub fn write(&mut self, slot: Slot, dtype: DType) -> String {
        self.writes.push((slot, dtype));
        format!("out{}", self.writes.len() - 1)
    }

    /// Includes a function of [`math`] and what it needs.
    pub fn need(&mut self, name: &'static str) -> &'static str {
        if !self.helpers.contains(&name) {
            math::needs(name).iter().for_each(|&n| {
                self.need(n);
            });
            self.helpers.push(name);
        }
        name
    }

    /// Coordinates `{prefix}0..` of linear index `index` over `dims`, as statements.
    pub fn coordinates(&mut self, prefix: &str, index: &str, dims: &[usize]) -> String {
        let mut text = String::new();
        let mut rest = index.to_string();
        for d in (1..dims.len()).rev() {
            let size = self.number(dims[d]);
            let _ = writeln!(text, "let {prefix}{d} = {rest} % {size};\nlet {prefix}q{d} = {rest} / {size};");
            rest = format!("{prefix}q{d}");
        }
        if !dims.is_empty() {
            let _ = writeln!(text, "let {prefix}0 = {rest};");
        }
        text
    }

    /// `offset + sum(coordinate * stride)`, strides of 0 and 1 being part of the text. Negative strides wrap around.
    pub fn offset<S: AsRef<str>>(&mut self, offset: usize, terms: &[(S, isize)]) -> String {
        let mut text = String::new();
        if offset != 0 {
            text = self.number(offset);
        }
        for (coordinate, stride) in terms {
            let coordinate = coordinate.as_ref();
            let term = match stride {
                0 => continue,
                1 => coordinate.to_string(),
                _ => format!("{coordinate} * {}", self.number(*stride as usize)),
            };
            if !text.is_empty() {
                text.push_str(" + ");
            }
            text.push_str(&term);
        }
        if text.is_empty() {
            text.push_str("0u");
        }
        text
    }

    /// The element of `access` at the buffer position `at`.
    pub fn element(&mut self, access: &Access, at: &str) -> String {
        match access.source {
            Source::Index => format!("i32({at})"),
            Source::Buffer(value) => format!("{}({at})", self.read(value)),
        }
    }

    /// The register of an input whose first element is at buffer position `at`.
    fn load(&mut self, access: &Access, at: &str) -> String {
        if !self.wide {
            return self.element(access, at);
        }
        match (access.source, quad(access)) {
            (Source::Buffer(value), Some(Quad::Neighbours)) => format!("{}(({at}) >> 2u)", self.read_vectors(value)),
            (Source::Index, Some(Quad::Neighbours)) => format!("vec4<i32>(i32({at})) + vec4<i32>(0, 1, 2, 3)"),
            _ => {
                let element = self.element(access, at);
                self.splat(access.dtype, element)
            }
        }
    }

    /// Statements that load a map's inputs as `{prefix}x0..`, the index being in coordinates `{prefix}0..`.
    pub fn loads(&mut self, prefix: &str, map: &Map, linear: Option<&str>) -> String {
        let mut text = String::new();
        for (n, access) in map.inputs.iter().enumerate() {
            let at = match linear {
                Some(linear) if access.view.is_contiguous() => linear.to_string(),
                _ => {
                    let terms: Vec<(String, isize)> = (access.view.strides.iter().enumerate())
                        .map(|(d, &s)| (format!("{prefix}{d}"), if access.view.shape[d] == 1 { 0 } else { s }))
                        .listed();
                    self.offset(access.view.offset, &terms)
                }
            };
            let register = self.load(access, &at);
            let _ = writeln!(text, "let {prefix}x{n} = {register};");
        }
        text
    }

    /// The function `tail` that computes a map's program at index `i` from the head's result `acc` and stores it.
    /// When wide, `i` is the first of four.
    pub fn tail(&mut self, map: &Map, has_head: bool) {
        let mut text = String::from("fn tail(i: u32");
        if has_head {
            let acc = map.program.code.iter().position(|c| matches!(c, headwater_core::scalar::Instr::Acc));
            let dtype = acc.map_or(DType::F32, |reg| map.program.types[reg]);
            let _ = write!(text, ", acc: {}", self.register(dtype));
        }
        text.push_str(") {\n");
        if map.inputs.iter().any(|a| !a.view.is_contiguous()) {
            let coordinates = self.coordinates("c", "i", &map.shape);
            text.push_str(&coordinates);
        }
        text.push_str(&self.loads("c", map, Some("i")));
        text.push_str(&self.statements("c", map));
        for &(reg, value) in &map.outputs {
            let stored = self.plan.values[value].stored;
            let (name, element) = (self.write(Slot::Value(value), stored), stored_name(stored, self.wide));
            let at = if self.wide { "i >> 2u" } else { "i" };
            let _ = writeln!(text, "{name}[{at}] = {element}(cr{reg});");
        }
        text.push_str("}\n");
        self.push(&text);
    }

    /// One invocation per element, `size` of them; per four when wide.
    pub fn elementwise(mut self, size: usize, has_head: bool) -> Shader {
        self.sizes([("size", size)]);
        let (count, first) = if self.wide { (size / 4, "4u * i") } else { (size, "i") };
        let call = if has_head { format!("tail({first}, head({first}));") } else { format!("tail({first});") };
        self.each(count, &format!("{call}\n"))
    }

    /// `count` invocations, each of which runs `body` with its number `i`.
    pub fn each(mut self, count: usize, body: &str) -> Shader {
        self.sizes([("invocations", count)]);
        self.push(&format!(
            "@compute @workgroup_size({GROUP})\
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) l: u32) {{\
  let i = (w.y * groups.x + w.x) * {GROUP}u + l;\
  if (i >= u.invocations) {{ return; }}\
{body}}}\
"
        ));
        self.finish(spread(count.div_ceil(GROUP)))
    }

    /// The function `tail` of a shader whose results are stored for another shader; float32 when wide.
    pub fn partial_tail(&mut self, partial: Slot, dtype: DType) {
        let name = self.write(partial, dtype);
        let (kind, at) = (self.register(dtype), if self.wide { "i >> 2u" } else { "i" });
        let element = stored_name(dtype, self.wide);
        self.push(&format!("fn tail(i: u32, acc: {kind}) {{ {name}[{at}] = {element}(acc); }}\n"));
    }

    /// The shader.
    pub fn finish(self, groups: [u32; 3]) -> Shader {
        let halves = self.reads.iter().chain(&self.writes).any(|&(_, stored)| stored == DType::F16);
        let mut source = String::from(if halves { "enable f16;\n" } else { "" });
        if !self.fields.is_empty() {
            let _ = write!(
                source,
                "struct Uniforms {{\n{}}}\n@group(0) @binding(0) var<uniform> u: Uniforms;\n",
                self.fields
            );
        }
        for (n, (slot, dtype)) in self.reads.iter().enumerate() {
            let vector = self.vectors.contains(slot);
            let (binding, element, register) = (n + 1, stored_name(*dtype, vector), register_name(*dtype, vector));
            // WGSL has no bytes.
            let four = "[i]) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u)";
            let (before, after) = match (*dtype, vector) {
                (DType::U8, true) => ("(vec4<u32>(", four),
                (DType::I8, true) => ("(vec4<i32>(", four),
                (DType::U8 | DType::I8, false) => ("extractBits(", "[i / 4u], i % 4u * 8u, 8u)"),
                _ => ("", "[i]"),
            };
            let _ = writeln!(
                source,
                "@group(0) @binding({binding}) var<storage, read> memory{n}: array<{element}>;\
fn buf{n}(i: u32) -> {register} {{ return {register}({before}memory{n}{after}); }}"
            );
        }
        for (n, (_, dtype)) in self.writes.iter().enumerate() {
            let (binding, element) = (self.reads.len() + n + 1, stored_name(*dtype, self.wide));
            let _ =
                writeln!(source, "@group(0) @binding({binding}) var<storage, read_write> out{n}: array<{element}>;");
        }
        self.helpers.iter().for_each(|h| source.push_str(math::text(h)));
        self.wide_helpers.iter().for_each(|h| source.push_str(&math::wide(h)));
        source.push_str(&self.functions);
        Shader {
            source,
            reads: self.reads.into_iter().map(|(slot, _)| slot).listed(),
            writes: self.writes.into_iter().map(|(slot, _)| slot).listed(),
            words: self.words,
            params: self.params,
            groups,
            temporary: 0,
        }
    }
}

/// The WGSL type of an item of a buffer.
pub fn stored_name(dtype: DType, vector: bool) -> &'static str {
    match (dtype, vector) {
        (DType::F16, false) => "f16",
        (DType::F16, true) => "vec4<f16>",
        (DType::Bool, false) => "u32",
        (DType::Bool, true) => "vec4<u32>",
        // Four to a word: bits are extracted with its sign.
        (DType::U8, _) => "u32",
        (DType::I8, _) => "i32",
        _ => register_name(dtype, vector),
    }
}

/// The WGSL type that an item of a buffer is computed with as.
fn register_name(dtype: DType, vector: bool) -> &'static str {
    match (dtype.lane(), vector) {
        (lane, false) => type_name(lane),
        (DType::F32, true) => "vec4<f32>",
        (DType::Bool, true) => "vec4<bool>",
        (_, true) => "vec4<i32>",
    }
}

/// So many workgroups, in two dimensions where one does not hold them.
pub fn spread(groups: usize) -> [u32; 3] {
    let x = groups.clamp(1, MAX_GROUPS);
    [x as u32, groups.div_ceil(x).max(1) as u32, 1]
}
