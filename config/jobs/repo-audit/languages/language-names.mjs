/** Owns which language a file is in, by its extension, its name or its first line. */
import { baseName } from '../repository/path-text.mjs';

/**
 * `code` is written to be run, `markup` to be shown, `prose` to be read by people, `data` by programs.
 * @typedef {'code' | 'markup' | 'prose' | 'data'} LanguageKind
 * @typedef {{ readonly name: string, readonly kind: LanguageKind }} Language
 */

/** Extensions, without the dot, by language. @type {Readonly<Record<LanguageKind, Readonly<Record<string, string>>>>} */
const EXTENSIONS = {
  code: {
    TypeScript: 'ts tsx mts cts', JavaScript: 'js mjs cjs jsx', Python: 'py pyi pyw pyx', Go: 'go', Rust: 'rs', Java: 'java',
    Kotlin: 'kt kts', Scala: 'scala sc', Groovy: 'groovy gradle', C: 'c', 'C++': 'cc cpp cxx c++ hpp hh hxx h++ ipp inl',
    'C header': 'h', 'C#': 'cs csx', 'F#': 'fs fsx fsi', 'Visual Basic': 'vb bas', Swift: 'swift', 'Objective-C': 'm mm',
    Ruby: 'rb rake gemspec ru', PHP: 'php phtml', Perl: 'pl pm t pod', Raku: 'raku rakumod', Lua: 'lua', R: 'r', Julia: 'jl',
    Haskell: 'hs lhs', OCaml: 'ml mli', Elixir: 'ex exs', Erlang: 'erl hrl', Clojure: 'clj cljs cljc edn', 'Emacs Lisp': 'el',
    'Common Lisp': 'lisp lsp cl', Scheme: 'scm ss rkt', Dart: 'dart', Zig: 'zig', Nim: 'nim', D: 'd', Crystal: 'cr', V: 'vsh',
    Ada: 'adb ads', Fortran: 'f f90 f95 f03 f08 for', COBOL: 'cob cbl cpy', Pascal: 'pas pp dpr lpr', Assembly: 'asm s',
    Shell: 'sh bash zsh ksh fish', PowerShell: 'ps1 psm1 psd1', Batch: 'bat cmd', AWK: 'awk', Tcl: 'tcl tk', SQL: 'sql',
    PLSQL: 'pls plsql pkb pks', Solidity: 'sol', Verilog: 'v vh sv svh', VHDL: 'vhd vhdl', CUDA: 'cu cuh',
    GLSL: 'glsl vert frag comp', HLSL: 'hlsl', WGSL: 'wgsl', Metal: 'metal', GDScript: 'gd', Vue: 'vue', Svelte: 'svelte',
    Astro: 'astro', 'Vim script': 'vim', Nix: 'nix', Terraform: 'tf tfvars hcl', Bicep: 'bicep', Puppet: 'epp', Prolog: 'prolog',
    CoffeeScript: 'coffee', Elm: 'elm', PureScript: 'purs', ReScript: 'res resi', Gleam: 'gleam', Hack: 'hack', Apex: 'apex',
    ABAP: 'abap', MATLAB: 'mlx', 'WebAssembly text': 'wat wast', 'Protocol Buffers': 'proto', GraphQL: 'graphql gql',
    Thrift: 'thrift', CMake: 'cmake', Make: 'mk mak', Starlark: 'bzl star', Meson: 'meson', Haxe: 'hx', Smalltalk: 'st',
    Forth: 'fth 4th', Jsonnet: 'jsonnet libsonnet', Lean: 'lean', Agda: 'agda', Odin: 'odin', ActionScript: 'as', Rego: 'rego',
    CUE: 'cue', QML: 'qml', Cython: 'pxd pxi', 'LLVM IR': 'll', Mojo: 'mojo', Just: 'just',
  },
  markup: {
    HTML: 'html htm xhtml shtml', CSS: 'css', Sass: 'scss sass', Less: 'less', Stylus: 'styl',
    Handlebars: 'hbs handlebars mustache', EJS: 'ejs', Pug: 'pug jade', Twig: 'twig', Liquid: 'liquid', Jinja: 'j2 jinja jinja2',
    ERB: 'erb', Haml: 'haml slim', Razor: 'cshtml razor', XAML: 'xaml axaml', JSP: 'jsp jspx', TeX: 'tex sty cls bib ltx',
    SVG: 'svg', XSLT: 'xsl xslt', Blade: 'blade',
  },
  prose: {
    Markdown: 'md markdown mdx mkd', reStructuredText: 'rst', AsciiDoc: 'adoc asciidoc', Text: 'txt text', Org: 'org',
    Textile: 'textile', Typst: 'typ', Manual: '1 2 3 5 7 8 man roff', Texinfo: 'texi texinfo', RTF: 'rtf',
  },
  data: {
    JSON: 'json jsonc json5 jsonl ndjson geojson webmanifest har ipynb', YAML: 'yml yaml', TOML: 'toml',
    XML: 'xml xsd wsdl plist csproj fsproj vbproj props targets resx pom iml nuspec storyboard xib', CSV: 'csv tsv psv',
    INI: 'ini cfg conf properties editorconfig env desktop service', Gettext: 'po pot', Diff: 'diff patch', Log: 'log',
    Certificate: 'pem crt cer key pub asc', Subtitles: 'srt vtt', Lock: 'lock sum',
  },
}; // prettier-ignore

/** Names without a telling extension; lower case. @type {Readonly<Record<string, Language>>} */
const NAMES = {
  makefile: { name: 'Make', kind: 'code' },
  gnumakefile: { name: 'Make', kind: 'code' },
  dockerfile: { name: 'Dockerfile', kind: 'code' },
  containerfile: { name: 'Dockerfile', kind: 'code' },
  'cmakelists.txt': { name: 'CMake', kind: 'code' },
  'meson.build': { name: 'Meson', kind: 'code' },
  gemfile: { name: 'Ruby', kind: 'code' },
  rakefile: { name: 'Ruby', kind: 'code' },
  podfile: { name: 'Ruby', kind: 'code' },
  vagrantfile: { name: 'Ruby', kind: 'code' },
  brewfile: { name: 'Ruby', kind: 'code' },
  jenkinsfile: { name: 'Groovy', kind: 'code' },
  justfile: { name: 'Just', kind: 'code' },
  build: { name: 'Starlark', kind: 'code' },
  'build.bazel': { name: 'Starlark', kind: 'code' },
  workspace: { name: 'Starlark', kind: 'code' },
  sconstruct: { name: 'Python', kind: 'code' },
  'makefile.am': { name: 'Make', kind: 'code' },
  'configure.ac': { name: 'M4', kind: 'code' },
  procfile: { name: 'YAML', kind: 'data' },
  'go.mod': { name: 'Go module', kind: 'data' },
  license: { name: 'Text', kind: 'prose' },
  copying: { name: 'Text', kind: 'prose' },
  readme: { name: 'Text', kind: 'prose' },
  authors: { name: 'Text', kind: 'prose' },
  changelog: { name: 'Text', kind: 'prose' },
  changes: { name: 'Text', kind: 'prose' },
  notice: { name: 'Text', kind: 'prose' },
  todo: { name: 'Text', kind: 'prose' },
};

/** What stands behind `#!`. @type {readonly (readonly [RegExp, string])[]} */
const INTERPRETERS = [
  [/\b(ba|z|k|da|a)?sh\b/, 'Shell'],
  [/\bpython[\d.]*\b/, 'Python'],
  [/\b(node|deno|bun)\b/, 'JavaScript'],
  [/\bperl\b/, 'Perl'],
  [/\bruby\b/, 'Ruby'],
  [/\bphp\b/, 'PHP'],
  [/\b(awk|gawk)\b/, 'AWK'],
  [/\blua\b/, 'Lua'],
  [/\bRscript\b/, 'R'],
  [/\b(tclsh|wish)\b/, 'Tcl'],
  [/\bpwsh\b/, 'PowerShell'],
  [/\bfish\b/, 'Shell'],
];

/** Never text, so never read. */
const BINARY_EXTENSIONS = new Set(
  (
    'png jpg jpeg gif webp avif ico icns bmp tif tiff psd ai eps heic raw xcf mp3 mp4 m4a m4v mov avi mkv webm wav flac ogg opus aac ' +
    'zip gz tgz bz2 xz zst 7z rar tar jar war ear apk aab ipa deb rpm dmg iso img exe dll so dylib a lib o obj class pyc pyo wasm node ' +
    'woff woff2 ttf otf eot pdf doc docx xls xlsx ppt pptx odt ods odp db sqlite sqlite3 mdb parquet arrow feather npy npz pkl pickle h5 hdf5 ' +
    'onnx pt pth safetensors gguf tflite pb bin dat keystore jks p12 pfx der swf fla blend fbx glb stl unitypackage nupkg whl egg gem crx lockb idx pack'
  ).split(' '),
);

/** @returns {ReadonlyMap<string, Language>} */
const createExtensionTable = () => {
  /** @type {Map<string, Language>} */
  const table = new Map();
  for (const [kind, languages] of Object.entries(EXTENSIONS)) {
    for (const [name, extensions] of Object.entries(languages)) {
      const language = { name, kind: /** @type {LanguageKind} */ (kind) };
      for (const extension of extensions.split(' ')) table.set(extension, language);
    }
  }
  return table;
};

const BY_EXTENSION = createExtensionTable();

/** Lower case, without the dot; empty where there is none. @param {string} path */
export const extensionOf = (path) => {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
};

/** @param {string} path */
export const hasBinaryExtension = (path) => BINARY_EXTENSIONS.has(extensionOf(path));

/**
 * The language by the name of the file alone.
 * @param {string} path
 * @returns {Language | undefined}
 */
export const languageByName = (path) => {
  const name = baseName(path).toLowerCase();
  const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (known !== undefined) return known;
  if (/^(dockerfile|containerfile)\./.test(name)) return NAMES['dockerfile'];
  if (/^\.(\w+rc|env(\..*)?|gitignore|gitattributes|gitmodules|editorconfig|npmrc|dockerignore)$/.test(name))
    return { name: 'INI', kind: 'data' };
  return BY_EXTENSION.get(extensionOf(path));
};

/**
 * The language by the `#!` line, for files whose name says nothing.
 * @param {Buffer} bytes
 * @returns {Language | undefined}
 */
export const languageByFirstLine = (bytes) => {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return undefined;
  const line = bytes.toString('latin1', 0, 120).split('\n', 1)[0] ?? '';
  const found = INTERPRETERS.find(([pattern]) => pattern.test(line));
  return found === undefined ? undefined : { name: found[1], kind: 'code' };
};
