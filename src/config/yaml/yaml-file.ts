/** Owns the reading of YAML and JSON files: a value, and for each place in it the line and column; or all that is wrong. */
import { readFileSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { errnoOf, errorMessage } from '../../model/error.ts';
import type { Problem } from './problem.ts';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface TextPlace {
  readonly mark: string;
  readonly nth: number;
  readonly offset: number;
}

export interface Yaml {
  readonly file: string;
  readonly value: unknown;
  /** Where the value at `path` begins, or its key; where that is missing, the nearest thing above it. */
  locate(path: readonly PropertyKey[], isAboutKey?: boolean): Position;
  /** Where the text at `path` has its `nth` (from 0) `mark` (empty: where it begins), and `offset` characters on. */
  locateInText(path: readonly PropertyKey[], at: TextPlace): Position;
}

export type YamlOutcome =
  | { readonly ok: true; readonly yaml: Yaml }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MAX_FILE_BYTES = 4 * 1024 ** 2;

const HINTS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias (*name) must stand behind its anchor (&name)',
  DUPLICATE_KEY: 'this field stands here twice; remove one',
  TAB_AS_INDENT: 'a tab indents this line; use spaces',
  MULTIPLE_DOCS: 'a second document begins here (---); a file holds one',
  TAG_RESOLVE_FAILED: '"!" begins a tag in YAML; put the text in quotes',
};

/** One `${{ … }}` within brackets, or with ": " in it, is what breaks YAML most often here. */
const quotesHint = (line: string): string => (line.includes('${{') ? '; put the text with ${{ … }} in quotes' : '');

/** The first finding of each line: the others mostly follow from it. */
const syntaxProblems = (
  file: string,
  text: string,
  lines: LineCounter,
  errors: readonly YAMLError[],
): readonly Problem[] => {
  const rows = text.split('\n');
  const problems = new Map<number, Problem>();
  for (const { code, message, pos } of errors) {
    const { line, col } = lines.linePos(Math.max(0, Math.min(pos[0], text.length)));
    const bare = message.replace(/^./, (letter) => letter.toLowerCase());
    const told = HINTS[code] ?? `not YAML: ${bare}${quotesHint(rows[line - 1] ?? '')}`;
    if (!problems.has(line)) problems.set(line, { file, line, column: col, field: '', message: told });
  }
  return [...problems.values()];
};

/** Aliases without an anchor before them, and aliases of what they stand in. */
const aliasProblems = (file: string, document: Document, lines: LineCounter): readonly Problem[] => {
  const problems: Problem[] = [];
  visit(document, {
    Alias: (_, alias, ancestors) => {
      const target = alias.resolve(document);
      if (target !== undefined && !ancestors.includes(target)) return;
      const { line, col } = lines.linePos(alias.range?.[0] ?? 0);
      const why =
        target === undefined ? `no anchor &${alias.source} stands before it` : 'it stands within its own anchor';
      problems.push({ file, line, column: col, field: '', message: `*${alias.source} leads nowhere: ${why}` });
    },
  });
  return problems;
};

interface Found {
  /** Undefined: nothing stands behind the key. */
  readonly node: Node | null | undefined;
  readonly key: Node | undefined;
}

/** Walks as far down the path as there are nodes. */
const walk = (document: Document, path: readonly PropertyKey[]): Found => {
  let found: Found = { node: document.contents, key: undefined };
  for (const part of path) {
    const node = isAlias(found.node) ? found.node.resolve(document) : found.node;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? key.value : key) === part);
      if (pair === undefined) return found;
      found = { node: pair.value as Node | null, key: pair.key as Node };
    } else if (isSeq(node)) {
      const item = node.items[Number(part)];
      if (item === undefined) return found;
      found = { node: item as Node, key: undefined };
    } else return found;
  }
  return found;
};

const createYaml = (file: string, text: string, document: Document, lines: LineCounter): Omit<Yaml, 'value'> => {
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return {
    file,
    locate: (path, isAboutKey = false) => {
      const { node, key } = walk(document, path);
      return positionOf((isAboutKey ? key?.range?.[0] : undefined) ?? node?.range?.[0] ?? key?.range?.[0] ?? 0);
    },
    locateInText: (path, { mark, nth, offset }) => {
      const { node } = walk(document, path);
      const [start, end] = node?.range ?? [0, 0];
      const isQuoted = /["']/.test(text[start] ?? '');
      let at = mark === '' ? start + (isQuoted ? 1 : 0) : text.indexOf(mark, start);
      for (let count = 0; count < nth && at !== -1; count += 1) at = text.indexOf(mark, at + 1);
      return positionOf(at === -1 || at >= end ? start : at + offset);
    },
  };
};

const jsonProblem = (file: string, text: string, lines: LineCounter): Problem | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (thrown) {
    const [message = ''] = errorMessage(thrown).split(' in JSON at position ');
    const offset = Number(/ in JSON at position (\d+)/.exec(errorMessage(thrown))?.[1] ?? 0);
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), field: '', message: `not JSON: ${message}` };
  }
};

/** Text as YAML 1.2 (JSON where the file's name says so). Keys are text; anchors, aliases and `<<` work. */
export const parseYaml = (file: string, text: string): YamlOutcome => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, merge: true });
  const syntax = syntaxProblems(file, text, lines, [...document.errors, ...document.warnings]);
  if (syntax.length > 0) return { ok: false, problems: syntax };
  const aliases = aliasProblems(file, document, lines);
  if (aliases.length > 0) return { ok: false, problems: aliases };
  const notJson = file.endsWith('.json') ? jsonProblem(file, text, lines) : undefined;
  if (notJson !== undefined) return { ok: false, problems: [notJson] };
  try {
    const value: unknown = document.toJS();
    return { ok: true, yaml: { ...createYaml(file, text, document, lines), value } };
  } catch (thrown) {
    return { ok: false, problems: [{ file, field: '', message: `not YAML: ${errorMessage(thrown)}` }] }; // aliases without end
  }
};

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a folder; must be a file',
  EACCES: 'may not be read (EACCES)',
};

/** Reads a file. Absent, it is a problem, or, where `ifAbsent` says so, an empty value. Never throws. */
export const readYaml = (
  file: string,
  { ifAbsent = 'problem' }: { readonly ifAbsent?: 'problem' | 'empty' } = {},
): YamlOutcome => {
  const failed = (message: string): YamlOutcome => ({ ok: false, problems: [{ file, field: '', message }] });
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (thrown) {
    const errno = errnoOf(thrown) ?? errorMessage(thrown);
    if (errno === 'ENOENT' && ifAbsent === 'empty') return parseYaml(file, '');
    return failed(READ_FAILURES[errno] ?? `cannot be read (${errno})`);
  }
  if (bytes.byteLength > MAX_FILE_BYTES)
    return failed(`has ${bytes.byteLength} bytes; must have at most ${MAX_FILE_BYTES}`);
  try {
    return parseYaml(file, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return failed('is not UTF-8 text');
  }
};
