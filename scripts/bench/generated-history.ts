/** Owns a large history of Claude Code for benchmarks: many sessions whose bodies are the source of nika itself. */
import { globSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const sources = globSync('src/**/*.ts', { cwd: root })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const DAY_MS = 86_400_000;
const STEP_MS = 4_000;
/** A file of about so many bytes is a session. */
const SESSION_BYTES = 1_500_000;

const uuidOf = (session: number, line: number): string =>
  `${session.toString(16).padStart(8, '0')}-0000-4000-8000-${line.toString(16).padStart(12, '0')}`;

class SessionText {
  readonly #id: string;
  readonly #number: number;
  readonly #startMs: number;
  readonly #lines: string[] = [];
  #step = 0;
  bytes = 0;

  constructor(number: number, startMs: number) {
    this.#number = number;
    this.#startMs = startMs;
    this.#id = uuidOf(number, 0);
  }

  get id(): string {
    return this.#id;
  }

  get text(): string {
    return this.#lines.join('');
  }

  get endMs(): number {
    return this.#startMs + this.#lines.length * STEP_MS;
  }

  add(type: string, fields: Readonly<Record<string, unknown>>): void {
    const nth = this.#lines.length;
    const record = {
      parentUuid: nth === 0 ? null : uuidOf(this.#number, nth),
      isSidechain: false,
      userType: 'external',
      cwd: `/home/ada/projects/shop-${this.#number % 7}`,
      sessionId: this.#id,
      version: '2.1.197',
      gitBranch: 'main',
      type,
      ...fields,
      uuid: uuidOf(this.#number, nth + 1),
      timestamp: new Date(this.#startMs + nth * STEP_MS).toISOString(),
    };
    const line = `${JSON.stringify(record)}\n`;
    this.bytes += line.length;
    this.#lines.push(line);
  }

  prompt(text: string): void {
    this.add('user', { message: { role: 'user', content: text } });
  }

  answer(content: readonly unknown[]): void {
    const usage = {
      input_tokens: 7,
      cache_creation_input_tokens: 812,
      cache_read_input_tokens: 40_000 + this.#step,
      output_tokens: 240,
    };
    const id = `msg_${this.#number}_${this.#step}`;
    const message = { id, type: 'message', role: 'assistant', model: 'claude-opus-4-6', content, usage };
    this.add('assistant', { message, requestId: `req_${this.#step}` });
  }

  call(name: string, input: unknown, content: string, toolUseResult: unknown): void {
    this.#step += 1;
    const id = `toolu_${this.#number}_${this.#step}`;
    this.answer([{ type: 'text', text: `Now I look at step ${this.#step}.` }]);
    this.answer([{ type: 'tool_use', id, name, input }]);
    this.add('progress', {
      data: { type: 'hook_progress', hookEvent: 'PreToolUse', command: '/home/ada/bin/hook.sh' },
    });
    const message = { role: 'user', content: [{ tool_use_id: id, type: 'tool_result', content }] };
    this.add('user', { message, toolUseResult });
  }
}

const fill = (session: SessionText, number: number): void => {
  session.prompt(`Look at part ${number} of the shop and put it right.`);
  for (let at = number; session.bytes < SESSION_BYTES; at += 1) {
    const { path = '', text = '' } = sources[at % sources.length] ?? {};
    const file = { filePath: path, content: text, numLines: 200, startLine: 1, totalLines: 200 };
    session.call('Read', { file_path: path }, text, { type: 'text', file });
    const output = text.slice(0, 1500);
    session.call('Bash', { command: `npx vitest run ${path}`, description: 'Run it' }, output, {
      stdout: output,
      stderr: '',
    });
    const edit = { file_path: path, old_string: text.slice(0, 200), new_string: text.slice(0, 260) };
    session.call('Edit', edit, `The file ${path} has been updated.`, {
      filePath: path,
      originalFile: text,
      structuredPatch: [],
    });
  }
  session.answer([{ type: 'text', text: 'It is done.' }]);
};

export interface GeneratedHistory {
  readonly files: readonly string[];
  readonly bytes: number;
}

/** About so many bytes under `dir`, which is what `~/.claude/projects` is. */
export const generateHistory = (dir: string, bytes: number): GeneratedHistory => {
  const files: string[] = [];
  let written = 0;
  for (let number = 1; written < bytes; number += 1) {
    const session = new SessionText(number, Date.UTC(2026, 0, 1) + number * 3_600_000);
    fill(session, number);
    const folder = join(dir, `-home-ada-projects-shop-${number % 7}`);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${session.id}.jsonl`);
    writeFileSync(path, session.text);
    const seconds = Math.min(session.endMs, Date.now() - DAY_MS) / 1000;
    utimesSync(path, seconds, seconds);
    files.push(path);
    written += session.bytes;
  }
  return { files, bytes: written };
};
