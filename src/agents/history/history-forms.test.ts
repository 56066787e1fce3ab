import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLAUDE_SESSION, ClaudeFile, say, use, writeClaude } from '../../../test/fixtures/histories/claude-file.ts';
import { CODEX_CHILD, CODEX_SESSION, writeCodex } from '../../../test/fixtures/histories/codex-files.ts';
import {
  GEMINI_CHILD,
  GEMINI_SESSION,
  writeGemini,
  writeOldGemini,
} from '../../../test/fixtures/histories/gemini-files.ts';
import { linesText, T0, writeText } from '../../../test/fixtures/histories/history-text.ts';
import {
  OPENCODE_CHILD,
  OPENCODE_SESSION,
  writeOldOpencode,
  writeOpencode,
} from '../../../test/fixtures/histories/opencode-files.ts';
import { claudeHistory } from './claude/claude-history.ts';
import { codexHistory } from './codex/codex-history.ts';
import { geminiHistory } from './gemini/gemini-history.ts';
import { inOrder } from './in-order.ts';
import { opencodeHistory } from './opencode/opencode-history.ts';
import type { HistoryForm, HistorySession, Told, Unreadable } from './told.ts';

let home: string;
let unreadable: Unreadable[];
const tell = (one: Unreadable): void => {
  unreadable.push(one);
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nika-history-'));
  unreadable = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const sessionsOf = (form: HistoryForm, place?: string): readonly HistorySession[] =>
  (place === undefined ? form.places({ HOME: home }) : [place]).flatMap((where) => form.find(where, tell));

const read = async (session: HistorySession | undefined, isOpen = false): Promise<readonly Told[]> => {
  const told: Told[] = [];
  const options = { isOpen, onUnreadable: tell, onBytes: () => undefined };
  if (session !== undefined) for await (const one of inOrder(session.read(options))) told.push(one);
  return told;
};

const ofKind = <K extends Told['kind']>(told: readonly Told[], kind: K): readonly Extract<Told, { kind: K }>[] =>
  told.filter((one): one is Extract<Told, { kind: K }> => one.kind === kind);

/** `[ms, tool, ok or exit code or 'failed', sub]` of each call. */
const calls = (told: readonly Told[]): readonly unknown[] =>
  ofKind(told, 'call').map(({ atMs, tool, result, sub }) => {
    const end = result.ok ? 'ok' : (result.exitCode ?? (result.isInterrupt === true ? 'interrupted' : 'failed'));
    return [atMs - T0, tool, end, ...(sub === undefined ? [] : [sub])];
  });

const sum = (
  told: readonly Told[],
  key: 'input_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'output_tokens',
) => ofKind(told, 'usage').reduce((total, { usage }) => total + usage[key], 0);

const turns = (told: readonly Told[]): readonly unknown[] =>
  ofKind(told, 'turn').map(({ turn: { prompt, answer, outcome } }) => [prompt, answer, outcome]);

describe('the history of Claude Code', () => {
  it('tells each call by its id, with its outcome and time, of subagents too', async () => {
    writeClaude(home);
    const [session, ...others] = sessionsOf(claudeHistory);
    expect([session?.id, others]).toEqual([CLAUDE_SESSION, []]);
    const told = await read(session);
    expect(calls(told)).toEqual([
      [140, 'Bash', 'ok'],
      [150, 'Read', 'ok'],
      [250, 'Bash', 3],
      [400, 'Grep', 'ok', 'a1'],
      [500, 'Task', 'ok'],
    ]);
    expect(ofKind(told, 'call')[0]).toMatchObject({
      id: 'toolu_1',
      input: { command: 'ls' },
      result: { ok: true, response: { stdout: 'a.ts' } },
      durationMs: 39,
      turn: 'prompt-10',
      cwd: '/home/ada/shop',
    });
    expect(ofKind(told, 'sub start')).toMatchObject([{ key: 'a1', type: 'Explore', what: 'a part' }]);
    expect(ofKind(told, 'sub end')).toMatchObject([{ key: 'a1', outcome: 'completed', summary: 'three' }]);
    expect(turns(told)).toEqual([
      ['Put the cart right.', 'It is right.', 'completed'],
      ['Thank you.', 'You are welcome.', 'completed'],
    ]);
    expect(unreadable).toEqual([]);
  });

  it('counts the usage of a request once, as its last line says, whatever the number of its lines', async () => {
    writeClaude(home);
    const told = await read(sessionsOf(claudeHistory)[0]);
    expect([sum(told, 'input_tokens'), sum(told, 'cache_read_tokens')]).toEqual([700, 7000]);
    expect([sum(told, 'cache_write_tokens'), sum(told, 'output_tokens')]).toEqual([70, 140]);
    expect(ofKind(told, 'usage').filter(({ sub }) => sub === 'a1')).toHaveLength(2);
  });

  it('says what it begins with: when, where, which version and model, what was asked', () => {
    writeClaude(home);
    const head = { startedAtMs: T0 + 10, cwd: '/home/ada/shop', version: '2.1.197', model: 'claude-sonnet-4-5' };
    expect(sessionsOf(claudeHistory)[0]?.head()).toEqual({ ...head, title: 'Put the cart right.', kin: 'msg_1' });
  });

  it('tells of an interrupted turn, of an error of the API, and of a call without a result', async () => {
    const file = new ClaudeFile(join(home, 'x.jsonl'));
    file
      .prompt(0, 'one')
      .answer(10, 'm1', [use('t1', 'Bash', { command: 'sleep 9' })])
      .result(20, 't1', '[Request interrupted by user for tool use]', 'Error')
      .line('user', 21, { message: { role: 'user', content: [say('[Request interrupted by user for tool use]')] } })
      .prompt(100, 'two')
      .line('assistant', 110, {
        isApiErrorMessage: true,
        message: { id: 'm2', model: '<synthetic>', content: [say('API Error: 529')], usage: { input_tokens: 0 } },
      })
      .prompt(200, 'three')
      .answer(210, 'm3', [use('t3', 'Bash', { command: 'true' })]);
    const told = await read(sessionsOf(claudeHistory, file.path)[0]);
    expect(turns(told)).toEqual([
      ['one', undefined, 'interrupted'],
      ['two', undefined, 'failed'],
      ['three', undefined, 'completed'],
    ]);
    expect(calls(told)).toEqual([
      [20, 'Bash', 'interrupted'],
      [210, 'Bash', 'interrupted'],
    ]);
    expect(ofKind(told, 'call')[1]).toMatchObject({ durationMs: null });
    expect(sum(told, 'input_tokens')).toBe(200);
    expect(calls(await read(sessionsOf(claudeHistory, file.path)[0], true))).toEqual([[20, 'Bash', 'interrupted']]);
  });

  it('takes what Claude Code puts there itself for no prompt, and a command for what was typed', async () => {
    const file = new ClaudeFile(join(home, 'x.jsonl'));
    const said = (content: string, more = {}) => ({ message: { role: 'user', content }, ...more });
    const command = (name: string) =>
      `<command-message>x</command-message>\n<command-name>${name}</command-name>\n<command-args>12</command-args>`;
    file
      .line('user', 0, said(command('/clear')))
      .line('user', 1, said('<local-command-stdout></local-command-stdout>'))
      .line('user', 2, said(command('/review')))
      .line('user', 3, said('The whole text of the command', { isMeta: true }))
      .answer(10, 'm1', [say('Done.')])
      .line('user', 20, said('This session is being continued', { isCompactSummary: true }))
      .answer(30, 'm2', [say('Still done.')]);
    expect(turns(await read(sessionsOf(claudeHistory, file.path)[0]))).toEqual([
      ['/review 12', 'Still done.', 'completed'],
    ]);
  });

  it('reads subagents that stand among the lines of the session, as in 2025', async () => {
    const file = new ClaudeFile(join(home, 'x.jsonl'));
    const side = (uuid: string, parentUuid: string | null) => ({ isSidechain: true, uuid, parentUuid });
    const line = (type: string, ms: number, message: unknown, own: Readonly<Record<string, unknown>>): string =>
      linesText([{ ...own, type, message, sessionId: CLAUDE_SESSION, timestamp: new Date(T0 + ms).toISOString() }]);
    file
      .prompt(0, 'one')
      .answer(10, 'm1', [use('t1', 'Task', { prompt: 'Count.', subagent_type: 'counter', description: 'counting' })])
      .raw(line('user', 11, { content: 'Count.' }, side('u1', null)))
      .raw(line('assistant', 12, { id: 'm2', content: [use('t2', 'Grep', {})] }, side('u2', 'u1')))
      .raw(line('user', 13, { content: [{ type: 'tool_result', tool_use_id: 't2', content: '3' }] }, side('u3', 'u2')))
      .raw(line('assistant', 14, { id: 'm3', content: [say('three')] }, side('u4', 'u3')))
      .result(20, 't1', 'three', 'three');
    const told = await read(sessionsOf(claudeHistory, file.path)[0]);
    expect(calls(told)).toEqual([
      [13, 'Grep', 'ok', 'u1'],
      [20, 'Task', 'ok'],
    ]);
    expect(ofKind(told, 'sub start')).toMatchObject([{ key: 'u1', type: 'counter', what: 'counting' }]);
    expect(ofKind(told, 'sub end')).toMatchObject([{ key: 'u1', outcome: 'completed', summary: 'three' }]);
  });
});

describe('the history of Codex', () => {
  it('tells each call with exit code and duration, also one that went on in the background, and subagents', async () => {
    writeCodex(home);
    const [session, ...others] = sessionsOf(codexHistory);
    expect([session?.id, others]).toEqual([CODEX_SESSION, []]);
    const told = await read(session);
    expect(calls(told)).toEqual([
      [150, 'Bash', 'ok'],
      [250, 'Bash', 3],
      [310, 'apply_patch', 'failed'],
      [401, 'nope', 'failed'],
      [750, 'Bash', 'ok', CODEX_CHILD],
      [1500, 'Bash', 'ok'],
    ]);
    expect(ofKind(told, 'call')[0]).toMatchObject({
      id: 'call_1',
      input: { command: 'ls' },
      result: { ok: true, exitCode: 0 },
      durationMs: 7,
      turn: 'turn-1',
    });
    expect(ofKind(told, 'sub start')).toMatchObject([{ key: CODEX_CHILD, type: 'Plato' }]);
    expect(ofKind(told, 'sub end')).toMatchObject([{ key: CODEX_CHILD, outcome: 'completed', summary: 'three' }]);
    expect(turns(told)).toEqual([['Put the cart right.', 'It is right.', 'completed']]);
  });

  it('counts what each response used, and the running count beside it not again', async () => {
    writeCodex(home);
    const told = await read(sessionsOf(codexHistory)[0]);
    expect([sum(told, 'input_tokens'), sum(told, 'cache_read_tokens')]).toEqual([150, 120]);
    expect([sum(told, 'cache_write_tokens'), sum(told, 'output_tokens')]).toEqual([30, 60]);
    expect(ofKind(told, 'usage')[0]?.usage).toMatchObject({ model: 'gpt-5.5', reasoning_tokens: 5 });
  });

  it('counts by the running count where an older version tells nothing else', async () => {
    const count = (ms: number, total: number) => ({
      timestamp: new Date(T0 + ms).toISOString(),
      type: 'event_msg',
      payload: {
        type: 'token_count',
        info: { last_token_usage: { input_tokens: 70, output_tokens: 7 }, total_token_usage: { total_tokens: total } },
      },
    });
    const meta = { timestamp: new Date(T0).toISOString(), type: 'session_meta', payload: { id: 'old', cwd: '/x' } };
    const path = writeText(
      join(home, 'rollout-old.jsonl'),
      linesText([meta, count(1, 77), count(2, 77), count(3, 154)]),
    );
    const told = await read(sessionsOf(codexHistory, path)[0]);
    expect([sum(told, 'input_tokens'), sum(told, 'output_tokens')]).toEqual([140, 14]);
  });
});

describe('the history of Gemini CLI', () => {
  it.each([
    ['lines', writeGemini, ['shop']],
    ['one document, as in 2025', writeOldGemini, [undefined]],
  ])('tells each call and usage once, though messages are written again and again: %s', async (_, write, cwds) => {
    write(home);
    const [session, ...others] = sessionsOf(geminiHistory);
    expect([session?.id, others]).toEqual([GEMINI_SESSION, []]);
    const told = await read(session);
    expect(calls(told)).toEqual([
      [140, 'run_shell_command', 'ok'],
      [240, 'run_shell_command', 3],
      [340, 'read_file', 'failed'],
    ]);
    expect([sum(told, 'input_tokens'), sum(told, 'cache_read_tokens'), sum(told, 'output_tokens')]).toEqual([
      210, 90, 81,
    ]);
    expect(turns(told)).toEqual([['Put the cart right.', 'It is right.', 'completed']]);
    expect([session?.head()?.cwd?.split('/').at(-1)]).toEqual(cwds);
  });

  it('has subagents in a folder of their own', async () => {
    writeGemini(home);
    const told = await read(sessionsOf(geminiHistory)[0]);
    expect(ofKind(told, 'sub end')).toMatchObject([{ key: GEMINI_CHILD, outcome: 'completed', summary: 'three' }]);
  });

  it('reads a session once that an upgrade wrote anew beside the old file', () => {
    writeText(
      `${writeOldGemini(home)}l`,
      linesText([{ sessionId: GEMINI_SESSION, startTime: new Date(T0).toISOString() }]),
    );
    expect(sessionsOf(geminiHistory)).toHaveLength(1);
  });
});

describe('the history of opencode', () => {
  it.each([
    ['the database', writeOpencode],
    ['files, as in 2025', writeOldOpencode],
  ])('tells each call, though ids come again, with exit code, cost and subagents: %s', async (_, write) => {
    write(home);
    const [session, ...others] = sessionsOf(opencodeHistory);
    expect([session?.id, others]).toEqual([OPENCODE_SESSION, []]);
    const told = await read(session);
    expect(calls(told)).toEqual([
      [140, 'bash', 3],
      [150, 'read', 'failed'],
      [260, 'bash', 'ok', OPENCODE_CHILD],
      [500, 'task', 'ok'],
    ]);
    expect(ofKind(told, 'call').map(({ id, durationMs }) => [id, durationMs])).toEqual([
      ['call_0', 40],
      ['call_1', 9],
      ['call_0', 20],
      ['call_0', 290],
    ]);
    expect([sum(told, 'input_tokens'), sum(told, 'cache_write_tokens'), sum(told, 'output_tokens')]).toEqual([
      270, 6, 75,
    ]);
    expect(ofKind(told, 'usage')[0]?.usage).toMatchObject({
      model: 'big-pickle',
      cost_usd: 0.0013,
      cost_from: 'agent',
    });
    expect(ofKind(told, 'sub end')).toMatchObject([{ key: OPENCODE_CHILD, outcome: 'completed', summary: 'three' }]);
    expect(turns(told)).toEqual([['Put the cart right.', 'It is right.', 'completed']]);
    expect(session?.head()).toMatchObject({ title: 'The cart', cwd: '/home/ada/shop', startedAtMs: T0 });
    expect(unreadable).toEqual([]);
  });

  it('tells of a database that is none', () => {
    const path = writeText(join(home, 'opencode.db'), 'not a database, but long enough to be taken for one');
    expect(sessionsOf(opencodeHistory, path)).toEqual([]);
    expect(unreadable).toMatchObject([{ file: path, line: 0, why: expect.stringContaining('not a database') }]);
  });
});
