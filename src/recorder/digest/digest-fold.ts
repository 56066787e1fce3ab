/**
 * Owns what memory is made of: the digest of a session, folded from its own events as they stand on the bus, call by call
 * (design, section 7). Texts are redacted before they come here (G7).
 *
 * D1. It is bounded, however long the session is (G6), and keeps no part of a body alive but what it tells.
 * D2. Of a call only what its tool's name promises is looked at, and of a long input only both ends: a call waits for it.
 */
import type { BusLine } from '../../bus/line.ts';
import { ownCopy } from '../../bus/read/own-copy.ts';
import type { SessionDigest } from '../../model/session-digest.ts';
import { fitText, fitTexts } from './fit-texts.ts';
import { fieldMark, findRawField, textsOfRaw } from './json-field.ts';
import { patchedFiles } from './patched-files.ts';
import { RecentTexts } from './recent-texts.ts';
import { type ToolKind, toolKindOf } from './tool-kind.ts';

/** A call as it stands on the bus. */
export interface DigestedCall {
  readonly tool: string;
  /** JSON text. */
  readonly input: string;
  /** Where it failed. */
  readonly error: string | undefined;
  /** What it does, in the words of the job. */
  readonly title: string | undefined;
}

export interface SessionSaid {
  /** Of the session, as JSON text. */
  readonly resultJson: string | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const PATH_MARKS = ['file_path', 'filePath', 'notebook_path', 'absolute_path', 'path', 'paths', 'include'].map(
  fieldMark,
);
const COMMAND_MARKS = ['command', 'cmd', 'argv'].map(fieldMark);

/** Each has room for what is told at the end, chosen from more. */
const KEPT = { written: 100, read: 100, commands: 20, errors: 10, titles: 20, tools: 200 } as const;
const TOLD_FILES = 40;
const RAW_CHARS = 300;
/** Of JSON in UTF-8; all together less than a quarter of a line. */
const BYTES = { asked: 2000, said: 2000, files: 4000, commands: 4000, errors: 2000 } as const;
const MAX_TEXT_CHARS = 4000;

/** The text of a body, whatever it is; of one in a blob, its beginning. */
export const bodyText = (body: unknown): string => {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string') return body;
  const { $blob: blob, head } = typeof body === 'object' ? (body as Fields) : {};
  if (typeof blob !== 'string' || typeof head !== 'string') return JSON.stringify(body) ?? '';
  return head.startsWith('"') ? (textsOfRaw(head.slice(1))[0] ?? '') : head;
};

/** What keeps a part of a shorter one may keep the whole. */
const KEPT_WHOLE_CHARS = 1024;
const isLong = (text: string): boolean => text.length > KEPT_WHOLE_CHARS;

const kept = (body: unknown): string => {
  const text = bodyText(body);
  return (text.length <= MAX_TEXT_CHARS ? text : ownCopy(text.slice(0, MAX_TEXT_CHARS))).trim(); // D1
};

/** JSON; of one in a blob, how that begins. */
const inputText = (input: unknown): string => {
  const { $blob: blob, head } = typeof input === 'object' && input !== null ? (input as Fields) : {};
  return typeof blob === 'string' && typeof head === 'string' ? head : (JSON.stringify(input) ?? '');
};

const oneLine = (text: string): string => text.toWellFormed().replace(/\s+/g, ' ').trim();

const parsed = (json: string | undefined): unknown => {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Types of messages that say something for it. */
const TOLD_BY: readonly string[] = ['agent_turn', 'session_start', 'entity_created'];
export const isDigested = (type: string): boolean => TOLD_BY.includes(type);

export class DigestFold {
  readonly #kinds = new Map<string, ToolKind>();
  readonly #written = new RecentTexts(KEPT.written);
  readonly #read = new RecentTexts(KEPT.read);
  readonly #commands = new RecentTexts(KEPT.commands);
  readonly #errors = new RecentTexts(KEPT.errors);
  readonly #titles = new RecentTexts(KEPT.titles);
  #prompt = '';
  #answer = '';
  #inputs = '';
  #about = '';
  #cwd = '';
  #turnCount = 0;

  /** Whether the input of such a call is looked at. */
  looksAt(tool: string): boolean {
    return this.#kindOf(tool) !== 'other';
  }

  call({ tool, input, error, title }: DigestedCall): void {
    if (error !== undefined) this.#addError(error);
    if (title !== undefined) this.#titles.add(title, false);
    const kind = this.#kindOf(tool);
    if (kind === 'other') return; // D2
    if (kind === 'shell') {
      const command = findRawField(input, COMMAND_MARKS, RAW_CHARS);
      if (command !== undefined) this.#commands.add(command, isLong(input));
    } else if (error === undefined) this.#files(kind, input);
  }

  /** Any other message of that entity; `data` as it stands on the bus, or with whole bodies. */
  message(type: string, entity: string, data: Fields): void {
    if (type === 'agent_turn') this.#turn(data);
    else if (type === 'session_start') {
      const { cwd, inputs } = data;
      if (typeof cwd === 'string') this.#cwd = cwd;
      const text = kept(inputs);
      this.#inputs = text === '{}' ? '' : text;
    } else if (type === 'entity_created' && entity.startsWith('JOB-')) this.#about = kept(data['description']);
  }

  /** A line of the session, read back from the bus. */
  line({ type, entity, data }: Pick<BusLine, 'type' | 'entity' | 'data'>): void {
    if (type !== 'tool_call') {
      if (isDigested(type)) this.message(type, entity, data);
      return;
    }
    const { tool_name: name, tool_input: input, ok, error, title } = data;
    const tool = String(name);
    this.call({
      tool,
      input: this.looksAt(tool) ? inputText(input) : '',
      error: ok === false ? bodyText(error) : undefined,
      title: typeof title === 'string' ? title : undefined,
    });
  }

  /** What there is to tell, once it is over. */
  digest({ resultJson, error }: SessionSaid): SessionDigest {
    const asked = this.#prompt === '' ? this.#task() : this.#prompt;
    const said = this.#answer === '' ? kept(parsed(resultJson)) : this.#answer;
    if (error !== undefined) this.#addError(error);
    const files = this.#written.size > 0 ? this.#written : this.#read;
    const commands = this.#commands.texts.map((raw) => textsOfRaw(raw).join(' '));
    return {
      ...(asked === '' ? {} : { asked: fitText(asked, BYTES.asked) }),
      ...(said === '' ? {} : { said: fitText(said, BYTES.said) }),
      files: fitTexts(this.#paths(files), BYTES.files),
      commands: fitTexts(commands.map(oneLine).toReversed(), BYTES.commands).toReversed(),
      errors: fitTexts(this.#errors.texts.map(oneLine).toReversed(), BYTES.errors).toReversed(),
      ...(this.#turnCount === 0 ? {} : { turns: this.#turnCount }),
    };
  }

  #addError(error: string): void {
    this.#errors.add(error.slice(0, RAW_CHARS), isLong(error));
  }

  #turn({ prompt, answer, error }: Fields): void {
    this.#turnCount += 1;
    if (this.#prompt === '') this.#prompt = kept(prompt);
    const said = kept(answer);
    if (said !== '') this.#answer = said;
    if (typeof error === 'string') this.#addError(error);
  }

  /** What a job without an agent was about. */
  #task(): string {
    return [this.#about, this.#inputs, ...this.#titles.texts].filter((text) => text !== '').join('\n');
  }

  #files(kind: ToolKind, input: string): void {
    if (kind === 'patch') {
      for (const path of patchedFiles(input)) this.#written.add(path, true);
      return;
    }
    const raw = findRawField(input, PATH_MARKS, RAW_CHARS);
    if (raw !== undefined) (kind === 'write' ? this.#written : this.#read).add(raw, isLong(input));
  }

  /** Those of its folder by what they are called there. */
  #paths(files: RecentTexts): readonly string[] {
    const folder = this.#cwd === '' ? undefined : this.#cwd.replace(/\/*$/, '/');
    const paths = files.byCount
      .flatMap(textsOfRaw)
      .map((path) => (folder !== undefined && path.startsWith(folder) ? path.slice(folder.length) : path))
      .filter((path) => path !== '');
    return [...new Set(paths)].slice(0, TOLD_FILES);
  }

  #kindOf(tool: string): ToolKind {
    const known = this.#kinds.get(tool);
    if (known !== undefined) return known;
    const kind = toolKindOf(tool);
    if (this.#kinds.size < KEPT.tools) this.#kinds.set(tool, kind);
    return kind;
  }
}
