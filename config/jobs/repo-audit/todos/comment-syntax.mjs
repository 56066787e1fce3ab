/** Owns what a comment looks like in each language, and what a text in quotes. */

/**
 * `line`: what begins a comment that ends with its line; `block`: what begins and ends a longer one; `quotes`: what
 * begins a text that ends in the same way, with `\` before what does not end it; those of `long` may go over lines.
 * @typedef {object} CommentSyntax
 * @property {readonly string[]} line
 * @property {readonly (readonly [open: string, close: string])[]} block
 * @property {readonly string[]} quotes
 * @property {readonly string[]} long
 * @property {boolean} hasPatterns whether `/…/` is a regular expression
 */

/** @param {Partial<CommentSyntax>} told @returns {CommentSyntax} */
const createSyntax = (told) => ({ line: [], block: [], quotes: ['"'], long: [], hasPatterns: false, ...told });

const SLASH = createSyntax({ line: ['//'], block: [['/*', '*/']], quotes: ['"', "'"] });
/** Where an apostrophe is no quote: it begins a lifetime. */
const RUST = createSyntax({ ...SLASH, quotes: ['"'] });
const SCRIPT = createSyntax({ ...SLASH, quotes: ['"', "'", '`'], long: ['`'], hasPatterns: true });
const GO = createSyntax({ ...SLASH, quotes: ['"', "'", '`'], long: ['`'] });
const TEXT_BLOCKS = createSyntax({ ...SLASH, quotes: ['"""', '"', "'"], long: ['"""'] });
const HASH = createSyntax({ line: ['#'], quotes: ['"', "'"] });
const PYTHON = createSyntax({ ...HASH, quotes: ['"""', "'''", '"', "'"], long: ['"""', "'''"] });
const DASH = createSyntax({ line: ['--'], block: [['/*', '*/']], quotes: ["'", '"'] });
const LUA = createSyntax({ line: ['--'], block: [['--[[', ']]']], quotes: ['"', "'"] });
const HASKELL = createSyntax({ line: ['--'], block: [['{-', '-}']] });
const LISP = createSyntax({ line: [';'], block: [['#|', '|#']], long: ['"'] });
const PERCENT = createSyntax({ line: ['%'], quotes: [] });
const MARKUP = createSyntax({ block: [['<!--', '-->']], quotes: [] });
const COMPONENT = createSyntax({ ...SCRIPT, block: [['<!--', '-->'], ['/*', '*/']], hasPatterns: false }); // prettier-ignore
const ML = createSyntax({ block: [['(*', '*)']] });
const SLASH_HASH = createSyntax({ ...SLASH, line: ['//', '#'] });
/** Where the language is not known: what most of them have. */
const ANY = createSyntax({ line: ['//', '#', ';', '--'], block: [['/*', '*/'], ['<!--', '-->']], quotes: ['"', "'"] }); // prettier-ignore

/** By the names of language-names.mjs. @type {readonly (readonly [CommentSyntax, string])[]} */
const LANGUAGES = [
  [SCRIPT, 'TypeScript,JavaScript,CoffeeScript'],
  [GO, 'Go,D,V'],
  [TEXT_BLOCKS, 'Java,Kotlin,Scala,Groovy,Swift,Dart,C#'],
  [SLASH, 'C,C++,C header,Objective-C,Zig,F#,CUDA,GLSL,HLSL,WGSL,Metal,Solidity,Verilog,CSS,Sass,Less,Stylus,Protocol Buffers,Thrift,Jsonnet,Odin,ActionScript,Haxe,CUE,QML,Apex,Hack,Gleam,ReScript,Bicep,Mojo,LLVM IR'],
  [RUST, 'Rust'],
  [SLASH_HASH, 'PHP,Terraform,Nix,Blade'],
  [PYTHON, 'Python,Cython,Starlark,Elixir,Julia'],
  [HASH, 'Ruby,Perl,Raku,R,Shell,PowerShell,AWK,Tcl,Make,CMake,Meson,Dockerfile,Crystal,Nim,GDScript,Puppet,GraphQL,Just,Rego,Twig,Jinja,YAML'],
  [DASH, 'SQL,PLSQL,Ada,VHDL'],
  [LUA, 'Lua'],
  [HASKELL, 'Haskell,Elm,PureScript,Agda,Lean'],
  [LISP, 'Clojure,Emacs Lisp,Common Lisp,Scheme,Assembly,WebAssembly text'],
  [PERCENT, 'Erlang,Prolog,TeX,MATLAB'],
  [MARKUP, 'HTML,SVG,XAML,XSLT,Razor,JSP,ERB,EJS,Handlebars,Liquid'],
  [COMPONENT, 'Vue,Svelte,Astro'],
  [ML, 'OCaml,Pascal'],
]; // prettier-ignore

/** @type {ReadonlyMap<string, CommentSyntax>} */
const BY_LANGUAGE = new Map(LANGUAGES.flatMap(([syntax, names]) => names.split(',').map((name) => [name, syntax])));

/** @param {string | undefined} language */
export const commentSyntaxOf = (language) => BY_LANGUAGE.get(language ?? '') ?? ANY;
