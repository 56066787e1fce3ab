/**
 * Owns what of a tool call a policy looks at: command lines, paths, addresses, else its input as JSON. Found by the names
 * of fields, since agents call the same tool by different names.
 *
 * U1. What cannot be read or told is never taken for harmless: `isWhole` is false, or the path has no `real`.
 */
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { PreToolUse } from '../../model/tool-event.ts';
import { argvTexts, commandLineTexts, type CommandTexts } from './command-texts.ts';
import { isInside, tryRealPath } from './real-path.ts';

/** One thing that the call reaches for; it is allowed when a rule matches one of its forms. */
export interface Demand {
  readonly forms: readonly string[];
  /** Of a path: where it leads to; `undefined` within: that cannot be told. */
  readonly path?: { readonly real: string | undefined };
}

export interface Subject {
  /** A `deny` or `ask` rule is matched against each. */
  readonly views: readonly string[];
  /** An `allow` has to hold for each. */
  readonly demands: readonly Demand[];
  readonly isWhole: boolean;
}

/** A path of the input. */
interface WrittenPath {
  readonly written: string;
  /** As it is to be resolved; `undefined`: a pattern that may lead anywhere. */
  readonly path: string | undefined;
  /** What a pattern has behind its folder. */
  readonly rest?: string;
  /** Only a folder from which others are counted. */
  readonly isBase?: true;
}

type Fields = Readonly<Record<string, unknown>>;

const COMMANDS = ['argv', 'command', 'cmd'];
const PATHS = ['file_path', 'filePath', 'path', 'paths', 'notebook_path', 'absolute_path', 'dir_path'];
const URLS = ['url', 'uri'];
/** Their `command` is no command line. */
const PATCHES = ['apply_patch', 'patch'];
const MAGIC = /[*?[\]{}()!+@\\]/;

const isText = (value: unknown): value is string => typeof value === 'string';
const textsIn = (value: unknown): readonly string[] =>
  isText(value) ? [value] : Array.isArray(value) ? value.filter(isText) : [];
const pick = (fields: Fields, names: readonly string[]): readonly string[] =>
  names.flatMap((name) => textsIn(fields[name]));

const commandsOf = (fields: Fields): readonly CommandTexts[] =>
  COMMANDS.flatMap((name) => {
    const value = fields[name];
    if (isText(value)) return [commandLineTexts(value)];
    return Array.isArray(value) ? [argvTexts(value.map(String))] : [];
  });

/** A pattern by the folder that it is matched below. */
const globPath = (glob: string, base: string): WrittenPath => {
  const parts = glob.split('/');
  const magicAt = parts.findIndex((part) => MAGIC.test(part));
  const count = magicAt === -1 ? parts.length - 1 : magicAt;
  const rest = parts.slice(count).join('/');
  const folder = parts.slice(0, count).join('/') || (isAbsolute(glob) ? '/' : '.');
  const path = isAbsolute(folder) ? folder : `${base}/${folder}`;
  return { written: glob, path: rest.includes('..') ? undefined : path, rest };
};

const isNegated = (glob: string): boolean => glob.startsWith('!') && !glob.startsWith('!(');

/** A patch names its files in its own lines (Codex). */
const PATCHED = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+)$/gm;
const patchedPaths = (fields: Fields): readonly WrittenPath[] =>
  pick(fields, ['command', 'input', 'patch', 'patchText'])
    .flatMap((text) => Array.from(text.matchAll(PATCHED), ([, path = '']) => path.trim()))
    .map((written) => ({ written, path: written }));

const pathsOf = (tool: string, fields: Fields): readonly WrittenPath[] => {
  if (PATCHES.includes(tool)) return patchedPaths(fields);
  const globs = textsIn(fields['glob'] ?? (tool.toLowerCase() === 'glob' ? fields['pattern'] : undefined));
  const named = pick(fields, PATHS).map((written) => ({ written, path: written }));
  if (globs.length === 0) return named;
  const [base = '.'] = pick(fields, ['cwd', 'path', 'dir_path']);
  const others = named.filter(({ written }) => written !== base);
  const patterns = globs.filter((glob) => !isNegated(glob)).map((glob) => globPath(glob, base));
  return [...others, { written: base, path: base, isBase: true }, ...patterns];
};

/** `HTTPS://user@Example.com:443` is one address with `https://example.com/`. */
const urlViews = (url: string): readonly string[] => {
  if (!URL.canParse(url)) return [url];
  const plain = new URL(url);
  const { href } = plain;
  plain.username = '';
  plain.password = '';
  plain.hostname = plain.hostname.replace(/\.$/, '');
  return [href, url, plain.href];
};

const underRoot = (path: string, root: string): readonly string[] => {
  if (!isInside(path, root)) return [];
  const way = relative(root, path) || '.';
  return [way, `./${way}`];
};

/** As the text of the path says (`a/../b` is `b`), and as the system goes (into `a`, then up). */
const resolutions = (path: string, cwd: string): readonly string[] => {
  const plain = resolve(cwd, path);
  const walked = isAbsolute(path) ? path : `${cwd}/${path}`;
  return walked.split('/').includes('..') ? [plain, walked] : [plain];
};

interface Places {
  /** Of the call. */
  readonly cwd: string;
  /** Of the pod, without links. */
  readonly root: string;
}

const pathDemands = async ({ path, rest }: WrittenPath, { cwd, root }: Places): Promise<readonly Demand[]> => {
  if (path === undefined) return [{ forms: [], path: { real: undefined } }];
  return Promise.all(
    resolutions(path, cwd).map(async (absolute): Promise<Demand> => {
      const real = await tryRealPath(absolute);
      const folders = real === undefined ? [] : [real, ...underRoot(real, root)];
      const forms = rest === undefined ? folders : folders.map((folder) => join(folder, rest));
      return { forms, path: { real } };
    }),
  );
};

const pathViews = ({ written, path }: WrittenPath, { cwd, root }: Places): readonly string[] => {
  const plain = resolve(cwd, path ?? '.');
  return [written, plain, ...underRoot(plain, cwd), ...underRoot(plain, root)];
};

const tryJson = (input: unknown): string | undefined => {
  try {
    return JSON.stringify(input);
  } catch {
    return undefined; // a circle, a BigInt (U1)
  }
};

const jsonSubject = (input: unknown): Subject => {
  const json = isText(input) ? input : tryJson(input);
  if (json === undefined) return { views: [], demands: [{ forms: [] }], isWhole: input === undefined };
  return { views: [json], demands: [{ forms: [json] }], isWhole: true };
};

const withPaths = async (flat: Subject, paths: readonly WrittenPath[], places: Places): Promise<Subject> => {
  const looked = await Promise.all(paths.map(async (path) => ({ path, demands: await pathDemands(path, places) })));
  const views = looked.flatMap(({ path, demands }) => [
    ...pathViews(path, places),
    ...demands.flatMap(({ forms }) => forms),
  ]);
  const demands = looked.filter(({ path }) => path.isBase === undefined).flatMap((one) => one.demands);
  return { ...flat, views: [...flat.views, ...views], demands: [...flat.demands, ...demands] };
};

/** At once, unless the call names a path: that has to be looked up. `root`: the pod's folder, without links. Never rejects. */
export const subjectOf = (event: PreToolUse, root: string): Subject | Promise<Subject> => {
  const { tool_input: input, tool_name: tool, cwd } = event;
  if (typeof input !== 'object' || input === null) return jsonSubject(input);
  const fields = input as Fields;
  const commands = PATCHES.includes(tool) ? [] : commandsOf(fields);
  const urls = pick(fields, URLS).map(urlViews);
  const paths = pathsOf(tool, fields);
  if (commands.length + urls.length + paths.length === 0) return jsonSubject(input);
  const isWhole = commands.every((command) => command.isWhole);
  const flat: Subject = {
    views: [...commands.flatMap(({ views }) => views), ...urls.flat()],
    demands: [
      ...commands.flatMap((command) => command.commands.map((text) => ({ forms: [text] }))),
      ...urls.map(([href = '']) => ({ forms: [href] })),
      ...(isWhole ? [] : [{ forms: [] }]),
    ],
    isWhole,
  };
  return paths.length === 0 ? flat : withPaths(flat, paths, { cwd, root });
};
