import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import type { AgentExit, AgentWish } from '../adapter.ts';
import type { Fields } from '../read-fields.ts';
import { endOfResponse } from './gemini-ends.ts';
import { GeminiReader } from './gemini-reader.ts';

const WISH: AgentWish = {
  prompt: 'do the thing',
  model: undefined,
  permission: 'full',
  args: [],
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: {},
};
const AT_SCREEN: AgentWish = { ...WISH, prompt: undefined };
const ENDED: AgentExit = { code: 0, signal: null, stderr: '' };

/** What Gemini CLI 0.61.0 sent, printed or wrote; texts cut. */
const captured = (name: string): readonly Fields[] =>
  readFileSync(join(import.meta.dirname, `../../../test/fixtures/agents/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fields);

const eventOf = (payload: Fields): string => String(payload['hook_event_name']);
const timeOf = (told: Fields): string => String(told['timestamp']);

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home[Symbol.dispose]());

/** The transcripts of a session that is over. */
const writeTranscript = (path = join(home.dir, 'chats/session.jsonl')): string => {
  const [{ session_id: session } = {}] = captured('gemini-hooks-agent');
  const agent = captured('gemini-transcript')
    .flatMap(({ toolCalls }) => (toolCalls ?? []) as readonly Fields[])
    .find(({ agentId }) => agentId !== undefined)?.['agentId'];
  const own = join(dirname(path), String(session), `${String(agent)}.jsonl`);
  mkdirSync(dirname(own), { recursive: true });
  for (const [file, name] of [
    [path, 'gemini-transcript'],
    [own, 'gemini-transcript-agent'],
  ] as const)
    writeFileSync(
      file,
      captured(name)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
  return path;
};

/** A call stands in a transcript once its hooks have been told: here, when all have. */
const hookWith = async (reader: GeminiReader, payload: Fields): Promise<void> => {
  const path = join(home.dir, 'chats/session.jsonl');
  if (eventOf(payload) === 'AfterAgent') writeTranscript(path);
  await reader.hook(eventOf(payload), { ...payload, transcript_path: path });
};

const CALLS = [
  'run_shell_command run_shell_command__call_main_0_0 hook 3 failed: Exit code 3',
  expect.stringMatching(/^nope nope__call_main_1_0 stream failed: Tool "nope" not found/),
  expect.stringMatching(/^read_file read_file__call_main_2_0 stream failed: params must have required property/),
  expect.stringMatching(/^read_file read_file__call_main_3_0 hook failed: File not found/),
  'run_shell_command run_shell_command__call_main_4_0 hook ok',
  'run_shell_command run_shell_command__call_main_4_1 hook ok',
  'SUB run_shell_command nika-1 hook ok',
  'SUB complete_task nika-2 hook ok',
  'invoke_agent invoke_agent__call_main_5_0 hook ok',
  // It is in the transcript of the subagent alone, which is read last.
  'SUB complete_task complete_task__call_SUBLANE_1_0 stream failed: params/result must be object',
];

describe('GeminiReader', () => {
  it('pairs hooks, stream and transcripts: each call once, with subagent and tokens', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, WISH);
      const told = [...captured('gemini-stream-agent'), ...captured('gemini-hooks-agent')];
      for (const one of told.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)))) {
        if ('hook_event_name' in one) await hookWith(reader, one);
        else reader.line(JSON.stringify(one));
      }
      expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
    });
    expect(callsOf(lines)).toEqual(CALLS);
    const used = lines.filter(({ type }) => type === 'usage');
    expect(used.filter(({ meta }) => meta['entity_type'] === 'SUB')).toHaveLength(3);
    expect(used.map(({ data }) => data['scope'])).not.toContain('run');
    expect(used[0]?.data).toMatchObject({
      model: 'gemini-2.5-flash',
      input_tokens: 100,
      output_tokens: 20,
      cost_from: 'prices', // the agent tells none
    });
    expect(lines.find(({ type }) => type === 'agent_turn')?.data).toMatchObject({
      prompt: 'do the "thing"\nline 2 --flag',
      answer: 'All done.',
      outcome: 'completed',
    });
    expect(lines.find(({ type }) => type === 'subagent_completed')?.data['summary']).toBe('There are three.');
  });

  it('knows the same from hooks and transcripts alone, where a person has the screen', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, AT_SCREEN);
      for (const payload of captured('gemini-hooks-agent')) await hookWith(reader, payload);
      expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
    });
    const calls = callsOf(lines).map((call) => call.replace(/ (?:\w+__call_\w+|nika-\d+) (?:hook|stream)/, ''));
    expect(calls.toSorted()).toEqual([
      'SUB complete_task failed: params/result must be object',
      'SUB complete_task ok',
      'SUB run_shell_command ok',
      'invoke_agent ok',
      expect.stringMatching(/^nope failed: Tool "nope" not found/),
      expect.stringMatching(/^read_file failed: File not found/),
      expect.stringMatching(/^read_file failed: params must have/),
      'run_shell_command 3 failed: Exit code 3',
      'run_shell_command ok',
      'run_shell_command ok',
    ]);
    expect(lines.filter(({ type }) => type === 'usage')).toHaveLength(10);
    expect(lines.findLast(({ type }) => type === 'agent_session')?.data['model']).toBe('gemini-2.5-flash');
  });

  it('pairs parallel calls by their input', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, AT_SCREEN);
      for (const payload of captured('gemini-hooks-odd')) await reader.hook(eventOf(payload), payload);
    });
    const outputs = lines.filter(({ type }) => type === 'tool_call').map(({ data }) => JSON.stringify(data));
    expect(outputs).toHaveLength(3);
    for (const name of ['p1', 'p2'])
      expect(outputs.find((text) => text.includes(`echo ${name}`))).toContain(`Output: ${name}`);
  });

  it('does not count what a session that is gone on with used before', async () => {
    const path = writeTranscript();
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, { ...WISH, resume: 's' });
      const base = { session_id: 's', transcript_path: path };
      await reader.hook('SessionStart', { ...base, source: 'resume' });
      const message = {
        id: 'new',
        type: 'gemini',
        content: 'Again.',
        model: 'm',
        tokens: { input: 7, output: 2, cached: 3, thoughts: 1 },
      };
      appendFileSync(path, `${JSON.stringify(message)}\n`);
      await reader.end(ENDED);
    });
    expect(lines.filter(({ type }) => type === 'usage').map(({ data }) => data)).toMatchObject([
      { model: 'm', input_tokens: 4, cache_read_tokens: 3, output_tokens: 3, reasoning_tokens: 1 },
    ]);
    expect(callsOf(lines)).toEqual([]);
  });

  it('records from the stream where no hook comes, and says so (G9)', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      const reader = new GeminiReader(desk, WISH);
      for (const line of captured('gemini-stream-agent')) reader.line(JSON.stringify(line));
      expect(context.session.degraded).toMatchObject([{ service: 'hooks', why: expect.stringContaining('no policy') }]);
      expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
    });
    expect(callsOf(lines).filter((call) => call.includes(' stream '))).toHaveLength(7);
    expect(lines.filter(({ type }) => type === 'usage').map(({ data }) => data)).toMatchObject([
      { scope: 'run', model: 'gemini-2.5-flash', input_tokens: 1_000, output_tokens: 200 },
    ]);
  });

  it('answers in the words of Gemini CLI: a denial, a message with the next call, one at the end of the turn', () =>
    atDesk(
      home,
      async ({ desk, context }) => {
        const reader = new GeminiReader(desk, AT_SCREEN);
        const of = (command: string, more: Fields = {}): Fields => ({
          tool_name: 'run_shell_command',
          tool_input: { command },
          timestamp: command,
          ...more,
        });
        expect(JSON.parse(await reader.hook('BeforeTool', of('rm x')))).toMatchObject({ decision: 'deny' });
        expect(await reader.hook('BeforeTool', of('ls'))).toBe('');
        context.host.receive('go left', undefined);
        const answer = JSON.parse(await reader.hook('AfterTool', of('ls', { tool_response: {} }))) as Fields;
        expect(answer).toMatchObject({ hookSpecificOutput: { additionalContext: expect.stringContaining('go left') } });
        expect(await reader.hook('AfterAgent', {})).toBe('');
        context.host.receive('and right', undefined);
        const blocked = { decision: 'deny', reason: expect.stringContaining('and right') };
        expect(JSON.parse(await reader.hook('AfterAgent', {}))).toMatchObject(blocked);
      },
      { policy: { deny: ['run_shell_command: rm *'], ask: [], allow: [] } },
    ).then((lines) => expect(callsOf(lines).map((call) => call.split(':')[0])).toHaveLength(2)));

  it('says what it waits for, and that it goes on', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      const reader = new GeminiReader(desk, AT_SCREEN);
      const status = () => `${context.control.status} ${context.control.waits.join()}`;
      await reader.hook('Notification', {
        notification_type: 'ToolPermission',
        message: 'Tool Shell requires execution',
      });
      expect([status(), context.control.why]).toEqual(['waiting permission', 'Tool Shell requires execution']);
      const asks = { tool_name: 'ask_user', tool_input: { questions: [{ question: 'left?' }] } };
      await reader.hook('BeforeTool', asks);
      expect([status(), context.control.why]).toEqual(['waiting question', 'left?']);
      await reader.hook('AfterTool', { ...asks, tool_response: {} });
      await reader.hook('BeforeAgent', { prompt: 'go' });
      await reader.hook('AfterAgent', { prompt: 'go', prompt_response: 'Done.' });
      expect(status()).toBe('waiting idle');
    });
    const waits = lines.filter(({ data }) => data['condition'] === 'pod_waiting').map(({ data }) => data['reason']);
    expect(waits).toEqual(['permission', 'question', 'idle']);
  });

  it.each([
    [
      'it goes in circles',
      { type: 'error', severity: 'warning', message: 'Loop detected, stopping execution' },
      'success',
    ],
    ['it was refused', { type: 'error', severity: 'error', message: 'Loop detected, stopping execution' }, 'error'],
  ])('did not end well where %s', (_, line, status) =>
    atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, WISH);
      reader.line(JSON.stringify({ type: 'message', role: 'assistant', content: 'Once more.', delta: true }));
      reader.line(JSON.stringify(line));
      reader.line(JSON.stringify({ type: 'result', status, stats: {} }));
      expect(await reader.end(ENDED)).toEqual({
        ok: false,
        message: 'Once more.',
        error: 'Loop detected, stopping execution',
      });
    }).then(() => undefined),
  );

  it('takes whatever comes without throwing', () =>
    atDesk(home, async ({ desk }) => {
      const reader = new GeminiReader(desk, WISH);
      const odd: readonly Fields[] = [
        {},
        { tool_name: [], tool_input: null, session_id: 7, transcript_path: {} },
        { tool_name: 'invoke_agent', tool_input: 'none', tool_response: [], timestamp: {} },
        { session_id: 's', transcript_path: '/nowhere/at/all.jsonl' },
      ];
      const events = ['SessionStart', 'BeforeAgent', 'BeforeTool', 'AfterTool', 'AfterAgent', 'Notification', 'New'];
      for (const event of events) for (const payload of odd) await reader.hook(event, payload);
      for (const line of ['', 'no json', '[]', '{"type":"tool_use"}', '{"type":"tool_result"}', '{"type":"message"}'])
        reader.line(line);
      const { ok, error } = await reader.end({ code: 55, signal: null, stderr: 'not trusted\n' });
      expect([ok, error]).toEqual([false, 'gemini ended without a result (exit code 55)\nnot trusted']);
    }).then(() => undefined));
});

describe('endOfResponse', () => {
  const shell = (text: string) => endOfResponse('run_shell_command', { llmContent: text });

  it('finds the exit code behind the output, and not in it', () => {
    expect(shell('Output: x\nExit Code: 3\nProcess Group PGID: 7')).toMatchObject({ ok: false, exitCode: 3 });
    expect(shell('<untrusted_context>\nOutput: x\nExit Code: 127\nSignal: 9\n</untrusted_context>')).toMatchObject({
      ok: false,
      exitCode: 127,
    });
    expect(shell('Output: x\nExit Code: 3\nmore\nProcess Group PGID: 7')).toMatchObject({ ok: true });
    expect(endOfResponse('read_file', { llmContent: 'a\nExit Code: 3' })).toMatchObject({ ok: true });
  });

  it('knows a command that was broken off', () => {
    const text = 'Command was automatically cancelled because it exceeded the timeout of 5.0 minutes without output.';
    expect(shell(`${text} There was no output before it was cancelled.`)).toMatchObject({
      ok: false,
      isInterrupt: true,
    });
  });
});
