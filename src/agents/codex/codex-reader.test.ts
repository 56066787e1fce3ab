import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import type { BusLine } from '../../bus/line.ts';
import type { AgentExit, AgentOutcome, AgentWish } from '../adapter.ts';
import { type Fields, fieldsOf, wordOf } from '../read-fields.ts';
import { CodexReader } from './codex-reader.ts';

const ENDED: AgentExit = { code: 0, signal: null, stderr: '' };
const BEGAN = new Date('2026-11-30T02:01:46Z');

const captured = (name: string): readonly string[] =>
  readFileSync(join(import.meta.dirname, `../../../test/fixtures/agents/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');

/** A run of the real CLI (0.169.0): its hooks and the lines of its session files, in the order in which they came. */
const RUN = captured('codex-run').map((line) => JSON.parse(line) as Fields);
/** What it printed meanwhile. */
const PRINTED = captured('codex-exec');
const THREAD = '01a22a2f-d2c3-7a53-8f83-936c1b265d14';

interface Played {
  readonly hooks?: boolean;
  readonly files?: boolean;
  readonly printed?: readonly string[];
  readonly exit?: AgentExit;
}

describe('CodexReader', () => {
  let home: TestHome;
  let outcome: AgentOutcome | undefined;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: BEGAN }); // what is older is not of the run
    home = new TestHome();
  });
  afterEach(() => {
    vi.useRealTimers();
    home[Symbol.dispose]();
  });

  const wishOf = (): AgentWish => ({
    prompt: 'do the thing',
    model: undefined,
    permission: 'full',
    args: [],
    maxTurns: undefined,
    resume: undefined,
    cwd: '/',
    env: { CODEX_HOME: join(home.dir, 'codex') },
  });

  /** Where Codex would have written it, in this home. */
  const placeOf = (path: unknown): unknown =>
    typeof path === 'string' ? path.replace('/home/user/.codex', join(home.dir, 'codex')) : path;
  const fileOf = (short: unknown): string =>
    String(
      RUN.map(({ hook }) => fieldsOf(hook)['transcript_path']).find((path) =>
        String(path).includes(`${String(short)}.`),
      ),
    );

  const play = ({ hooks = true, files = true, printed = PRINTED, exit = ENDED }: Played) =>
    atDesk(home, async ({ desk }) => {
      const reader = new CodexReader(desk, wishOf());
      const [first = '', ...rest] = printed;
      reader.line(first);
      for (const { hook, file, line } of RUN) {
        if (files && line !== undefined) {
          const path = String(placeOf(fileOf(file)));
          mkdirSync(dirname(path), { recursive: true });
          appendFileSync(path, `${JSON.stringify(line)}\n`);
        }
        const payload = fieldsOf(hook);
        const paths = { transcript_path: files ? placeOf(payload['transcript_path']) : null };
        const own = placeOf(payload['agent_transcript_path']);
        if (!hooks || hook === undefined) continue;
        await reader.hook(String(payload['hook_event_name']), { ...payload, ...paths, agent_transcript_path: own });
      }
      for (const line of rest) reader.line(line);
      outcome = await reader.end(exit);
    });

  const of = (lines: readonly BusLine[], type: string) => lines.filter((line) => line.type === type);

  const CALLS = [
    'Bash call_main_0_0 hook 0 ok',
    'Bash call_main_1_0 hook 3 failed: Exit code 3',
    'apply_patch call_main_2_0 hook ok',
    'apply_patch call_main_3_0 hook failed: apply_patch verification failed: Failed to read file to update /home/user/ws/missing.txt: No such file or directory (os error 2)',
    'no_such_tool call_main_4_0 stream failed: unsupported call: no_such_tool',
    'Bash call_main_5_0 stream failed: failed to parse function arguments: key must be a string at line 1 column 2',
    'Bash call_main_6_1 hook 0 ok',
    'Bash call_main_6_0 hook 0 ok',
    'Bash call_main_7_0 hook 0 ok',
    'write_stdin call_main_8_0 stream ok',
    'spawn_agent call_main_9_0 hook ok',
    'SUB Bash call_SUBLANE_0_0 hook 4 failed: Exit code 4',
    'SUB nope call_SUBLANE_1_0 stream failed: unsupported call: nope',
    'wait_agent call_main_10_0 hook ok',
  ];

  it('pairs hooks and session files by the id: each call once, with exit code, turn, subagent and tokens', async () => {
    const lines = await play({});
    expect(callsOf(lines).toSorted()).toEqual(CALLS.toSorted());
    expect(outcome).toEqual({ ok: true, message: 'All done.' });
    const session = { agent: 'codex', agent_session_id: THREAD, version: '0.169.0', model: 'gpt-5.5', via: 'pod' };
    expect(of(lines, 'agent_session').at(-1)?.data).toMatchObject(session);
    const turn = { prompt: 'do the thing', answer: 'All done.', outcome: 'completed' };
    expect(of(lines, 'agent_turn').map(({ data }) => data)).toMatchObject([turn]);
    const used = of(lines, 'usage').map(({ meta, data }) => [meta['entity_type'], data['input_tokens'], data['turn']]);
    expect(used.filter(([type]) => type === 'SUB')).toHaveLength(3);
    expect(used.filter(([type]) => type === 'JOB')).toHaveLength(12);
    expect(new Set(used.map(([, tokens, inTurn]) => `${String(tokens)} ${typeof inTurn}`))).toEqual(
      new Set(['100 string']),
    );
    const [sub] = of(lines, 'entity_created').filter(({ meta }) => meta['entity_type'] === 'SUB');
    expect(sub?.data).toMatchObject({ name: 'default', description: 'SUBLANE do inner' });
  });

  it('has the whole output of a command that went on in the background', async () => {
    const lines = await play({});
    const call = of(lines, 'tool_call').find(({ data }) => data['tool_use_id'] === 'call_main_7_0');
    expect(call?.data['tool_response']).toBe('a\nb\n');
  });

  it('records from the session files where no hooks come, finds them by the thread, and says so (G9)', async () => {
    const lines = await play({ hooks: false });
    const streamed = CALLS.map((call) => call.replace(' hook ', ' stream '));
    expect(callsOf(lines).toSorted()).toEqual(streamed.toSorted());
    expect(of(lines, 'usage')).toHaveLength(15);
    expect(of(lines, 'subagent_completed')).toHaveLength(1);
    const turn = { prompt: 'do the thing', answer: 'All done.', outcome: 'completed' };
    expect(of(lines, 'agent_turn').map(({ data }) => data)).toMatchObject([turn]);
  });

  it('records from the hooks where there is no session file, and tells what the run used as a whole', async () => {
    const lines = await play({ files: false });
    expect(callsOf(lines)).toContain('Bash call_main_1_0 hook ok'); // its exit code is not known
    expect(callsOf(lines).find((call) => call.includes('call_main_3_0'))).toContain('Codex does not tell how it ended');
    const used = of(lines, 'usage').map(({ data }) => [data['scope'], data['input_tokens'], data['output_tokens']]);
    expect(used).toEqual([['run', 1200, 240]]);
  });

  it('records from the output where there is neither', async () => {
    const lines = await play({ hooks: false, files: false });
    const told = callsOf(lines).map((call) => call.replace(`${THREAD}:`, ''));
    expect(told).toEqual([
      'Bash item_0 stream 0 ok',
      'Bash item_1 stream 3 failed: Exit code 3',
      'apply_patch item_2 stream ok',
      'Bash item_3 stream 0 ok',
      'Bash item_4 stream 0 ok',
      'Bash item_5 stream 0 ok',
    ]);
  });

  it('fails with what the model said, and leaves the calls of one that was killed to the desk', async () => {
    const failed = '{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}';
    const start = PRINTED.slice(0, 2);
    await play({ printed: [...start, '{"type":"error","message":"Reconnecting... 1/2 (429)"}', failed] });
    expect(outcome).toMatchObject({ ok: false, error: 'unexpected status 401 Unauthorized' });
  });

  it('says how it ended where it ended without a result', async () => {
    await play({ printed: PRINTED.slice(0, 1), exit: { code: 2, signal: null, stderr: 'error: unexpected argument' } });
    expect(outcome).toMatchObject({
      ok: false,
      error: 'codex ended without a result (exit code 2)\nerror: unexpected argument',
    });
  });

  it('takes whatever comes without throwing (A2)', async () => {
    const odd: readonly unknown[] = [null, 7, 'x', [], {}, { id: 1 }, [{ text: 7 }]];
    const names = ['SessionStart', 'PreToolUse', 'PostToolUse', 'SubagentStart', 'SubagentStop', 'Stop', 'Else'];
    const fields = ['session_id', 'transcript_path', 'tool_use_id', 'tool_name', 'tool_response', 'agent_id', 'item'];
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new CodexReader(desk, wishOf());
      for (const value of odd) {
        for (const name of names) {
          for (const field of fields) await reader.hook(name, { tool_use_id: 'a', [field]: value });
        }
        reader.line(JSON.stringify({ type: 'item.completed', item: value }));
        reader.line(JSON.stringify(value));
      }
      reader.line('{"type":"thread.st');
      expect(await reader.end(ENDED)).toMatchObject({ ok: false });
    });
    expect(of(lines, 'tool_call').length).toBeGreaterThan(0);
  });
});

it('is played by a run in which each hook names its thread', () => {
  expect(RUN.flatMap(({ hook }) => wordOf(fieldsOf(hook)['session_id']) ?? [])).toContain(THREAD);
});
