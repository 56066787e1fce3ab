/** Owns changes of a JSON file of somebody else: only what is ours comes and goes, all else stays as it is typed. */
import { applyEdits, type JSONPath, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { NikaError } from '../../model/error.ts';
import { fieldsOf, listOf } from '../read-fields.ts';
import { SCRIPT_MARK } from './hook-script.ts';
import type { Installation } from './installation.ts';

type JsonForm = Extract<Installation['form'], { kind: 'json' }>;

const FORMAT = { insertSpaces: true, tabSize: 2, eol: '\n' } as const;
/** Comments and trailing commas are kept where somebody has them. */
const LENIENT = { allowTrailingComma: true, disallowComments: false } as const;

/** @throws {NikaError} `NIKA_HOOKS_UNREADABLE`: nothing was changed */
const readValue = (text: string, file: string): unknown => {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, LENIENT);
  const [error] = errors;
  if (error !== undefined) {
    const before = text.slice(0, error.offset).split('\n');
    const at = `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new NikaError('NIKA_HOOKS_UNREADABLE', `${at}: ${printParseErrorCode(error.error)}`, { subject: file });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NikaError('NIKA_HOOKS_UNREADABLE', `${file} is no JSON object`, { subject: file });
  }
  return value;
};

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((above, name) => fieldsOf(above)[name], value);

/** Whatever the form: our command stands somewhere in it. */
const isOurs = (entry: unknown): boolean => JSON.stringify(entry ?? null).includes(SCRIPT_MARK);

const hooksIn = (entry: unknown): readonly unknown[] => listOf(fieldsOf(entry)['hooks']);

/** Somebody may have put a hook of their own beside ours. */
const isOursAlone = (entry: unknown): boolean => isOurs(entry) && hooksIn(entry).every(isOurs);

/** Where in a list of entries ours are. */
const placesOfOurs = (entry: unknown, index: number): readonly JSONPath[] => {
  if (!isOurs(entry)) return [];
  if (isOursAlone(entry)) return [[index]];
  return hooksIn(entry).flatMap((hook, place) => (isOurs(hook) ? [[index, 'hooks', place]] : []));
};

const edited = (text: string, path: JSONPath, value: unknown, isInsertion = false): string =>
  applyEdits(text, modify(text, path, value, { formattingOptions: FORMAT, isArrayInsertion: isInsertion }));

/** Events of the form that have an entry of ours. */
export const installedEvents = (text: string, form: JsonForm, file: string): readonly string[] => {
  const value = readValue(text, file);
  return form.events.filter((event) => listOf(at(value, form.pathOf(event))).some(isOurs));
};

/** Whether every entry of ours is this one. */
export const hasEntries = (text: string, form: JsonForm, file: string, command: string): boolean => {
  const value = readValue(text, file);
  const wanted = JSON.stringify(form.entryOf(command));
  return form.events.every((event) =>
    listOf(at(value, form.pathOf(event))).some((entry) => JSON.stringify(entry) === wanted),
  );
};

/** The text without our entries, and without the lists and objects that held nothing else. */
export const withoutEntries = (text: string, form: JsonForm, file: string): string => {
  let next = text;
  for (const event of form.events) {
    const path = [...form.pathOf(event)];
    const list = listOf(at(readValue(next, file), path));
    if (!list.some(isOurs)) continue;
    if (list.every(isOursAlone)) next = edited(next, path, undefined);
    else
      for (const place of list.flatMap(placesOfOurs).toReversed()) next = edited(next, [...path, ...place], undefined);
  }
  const parent = [...form.pathOf('')].slice(0, -1);
  const isEmpty = next !== text && Object.keys(fieldsOf(at(readValue(next, file), parent))).length === 0;
  return isEmpty && !(parent[0] !== undefined && parent[0] in form.empty) ? edited(next, parent, undefined) : next;
};

/** The text with our entry at the end of each list. */
export const withEntries = (text: string | undefined, form: JsonForm, file: string, command: string): string => {
  let next = text === undefined || text.trim() === '' ? `${JSON.stringify(form.empty, null, 2)}\n` : text;
  next = withoutEntries(next, form, file);
  for (const event of form.events) {
    const path = [...form.pathOf(event)];
    const entry = form.entryOf(command);
    const value = readValue(next, file);
    next = Array.isArray(at(value, path))
      ? edited(next, [...path, listOf(at(value, path)).length], entry, true)
      : edited(next, path, [entry]);
  }
  return next;
};
