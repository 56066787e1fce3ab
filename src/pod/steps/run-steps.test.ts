import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSchema } from '../../config/job/job.ts';
import type { ToolResult } from '../tools/tool.ts';
import { runSteps, type StepsCall, type StepsHost, type StepsOutcome, type TaskOutcome } from './run-steps.ts';

let dir = '';
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-steps-')));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A host that runs the calls as they are and keeps the story. */
class StoryHost implements StepsHost {
  readonly story: string[] = [];
  readonly calls: StepsCall[] = [];
  readonly results: ToolResult[] = [];
  readonly controller = new AbortController();

  async callTool(call: StepsCall): Promise<ToolResult> {
    this.calls.push(call);
    const result = await call.run(call.input, this.controller.signal);
    this.results.push(result);
    this.story.push(`${call.task === undefined ? '' : `${call.task}/`}${call.stepId} ${result.ok ? 'ok' : 'failed'}`);
    return result;
  }
  startTask(name: string): void {
    this.story.push(`start ${name}`);
  }
  endTask(name: string, outcome: TaskOutcome, summary?: string): void {
    this.story.push(`end ${name} ${outcome}${summary === undefined ? '' : ` (${summary})`}`);
  }
  note(text: string): void {
    this.story.push(`note: ${text}`);
  }
}

interface Run {
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly host?: StoryHost;
}

const run = async (steps: readonly object[], { inputs = {}, outputs, host = new StoryHost() }: Run = {}) => {
  const text = { name: 'test', description: 'A job of the tests.', domain: 'test', intent: 'test' };
  const job = jobSchema.parse({ ...text, steps, ...(outputs === undefined ? {} : { outputs }) });
  const env = { PATH: process.env['PATH'] ?? '', COLOUR: 'green' };
  const nika = { node: process.execPath, home: dir };
  const scope = { inputs, steps: {}, job: { id: 'JOB-x', name: 'test', dir, cwd: dir }, env, nika };
  const outcome: StepsOutcome = await runSteps({ job, scope, env, host, signal: host.controller.signal });
  return { outcome, story: host.story, host };
};

const say = (id: string, text: string, more: object = {}): object => ({
  id,
  tool: 'shell',
  input: { argv: ['echo', text] },
  ...more,
});
const fail = (id: string, more: object = {}): object => ({
  id,
  tool: 'shell',
  input: { command: `echo no >&2; exit 7` },
  ...more,
});

describe('steps that succeed', () => {
  it('run in order, each with what earlier ones and the job have', async () => {
    const { outcome, story } = await run(
      [
        { id: 'write', tool: 'write_file', input: { path: 'out/${{ inputs.name }}.txt', content: 'one\ntwo\n' } },
        { id: 'list', tool: 'list_files', input: { glob: '**/*' } },
        { id: 'search', tool: 'search', input: { pattern: 'tw.', path: '${{ steps.list.output[0] }}' } },
        { id: 'read', tool: 'read_file', input: { path: '${{ steps.write.output }}' } },
        { tool: 'shell', input: { command: 'echo ${{ steps.search.output[0].text }} "$COLOUR"; pwd' } },
      ],
      { inputs: { name: 'a b' } },
    );
    expect(outcome).toEqual({ kind: 'completed', outputs: undefined, lastOutput: `two green\n${dir}` });
    expect(story).toEqual(['write ok', 'list ok', 'search ok', 'read ok', '5 ok']);
  });

  it('make the outputs that the job declares, with their types', async () => {
    const outputs = { list: '${{ steps.list.output }}', text: 'there: ${{ steps.list.response.count }}' };
    const { outcome } = await run([{ id: 'list', tool: 'list_files', input: { glob: '*' } }], { outputs });
    expect(outcome).toMatchObject({ kind: 'completed', outputs: { list: [], text: 'there: 0' } });
  });

  it('show their name, else what the tool says of its input, and hand the input on without defaults', async () => {
    const named = say('a', 'x', { name: 'Say ${{ inputs.x }}' });
    const { host } = await run([named, say('b', 'y', { timeout: '1m' })], { inputs: { x: 'it' } });
    expect(host.calls.map(({ describe }) => describe)).toEqual(['Say it', 'echo y']);
    expect(host.calls[1]).toMatchObject({ tool: 'shell', input: { argv: ['echo', 'y'] }, cwd: dir, timeoutMs: 60_000 });
  });

  it('never let a value of an input become code of the shell', async () => {
    const inputs = { x: `'; touch hacked; echo '$(touch hacked)` };
    const { outcome } = await run([{ tool: 'shell', input: { command: 'echo ${{ inputs.x }}' } }], { inputs });
    expect(outcome).toMatchObject({ lastOutput: inputs.x });
    await expect(readFile(join(dir, 'hacked'))).rejects.toThrow('ENOENT');
  });
});

describe('a step that fails', () => {
  it('fails the job with its error, and the steps after it do not run', async () => {
    const { outcome, story } = await run([fail('a'), say('b', 'x'), say('c', '${{ steps.b.output }}')]);
    expect(outcome).toEqual({ kind: 'failed', stepId: 'a', error: 'Exit code 7\nno' });
    expect(story).toEqual(['a failed', 'note: 2 steps skipped because step a failed']);
  });

  it('lets those run that ask for it, and stays the failure of the job when one of them fails too', async () => {
    const steps = [
      fail('a'),
      say('b', 'x', { if: 'failure()' }),
      fail('c', { if: '${{ always() }}' }),
      say('d', '${{ steps.a.exit_code }} ${{ steps.a.stderr }}', { if: 'always() && !steps.a.ok' }),
      say('e', 'x', { if: 'success()' }),
      say('f', 'x', { if: 'steps.d.ok' }),
    ];
    const { outcome, story, host } = await run(steps);
    expect(outcome).toMatchObject({ kind: 'failed', stepId: 'a' });
    expect(story.slice(0, -1)).toEqual(['a failed', 'b ok', 'c failed', 'd ok']);
    expect(host.results.at(-1)).toMatchObject({ output: '7 no\n' });
  });

  it('does not fail the job where it may fail, and later steps see what became of it', async () => {
    const steps = [
      fail('a', { continue_on_error: true }),
      fail('b', { continue_on_error: '${{ inputs.lax }}' }),
      say('c', '${{ steps.a.ok }} ${{ steps.a.error }}'),
      say('d', 'x', { if: 'failure()' }),
    ];
    const { outcome, story } = await run(steps, { inputs: { lax: true } });
    expect(outcome).toEqual({ kind: 'completed', outputs: undefined, lastOutput: 'false Exit code 7\nno' });
    expect(story.at(-1)).toBe('note: step d skipped: its condition does not hold');
    expect((await run(steps, { inputs: { lax: 'no' } })).outcome).toMatchObject({ kind: 'failed', stepId: 'b' });
  });

  it('is one whose input does not fit once it is rendered: its tool is not called, and the story says so', async () => {
    const { outcome, story, host } = await run([{ id: 'a', tool: 'read_file', input: { path: '${{ inputs.no }}' } }]);
    expect(outcome).toMatchObject({ kind: 'failed', stepId: 'a' });
    expect(story).toEqual([
      expect.stringMatching(/^note: step a failed before .* NIKA_TOOL_BAD_INPUT: read_file: path: /),
    ]);
    expect(host.calls).toEqual([]);
  });

  it.each([
    [{ tool: 'shell', input: { argv: ['echo', '${{ inputs.x < 1 }}'] } }, 'compared'],
    [{ tool: 'shell', input: { argv: ['true'] }, if: 'inputs.x < 1' }, 'compared'],
    [
      { tool: 'shell', input: { argv: ['true'] }, timeout: '${{ inputs.x }}' },
      'timeout: must be a duration such as 30s, 10m, 1h30m or 250ms; it is "text"',
    ],
    [
      { tool: 'shell', input: { argv: ['true'] }, timeout: '${{ inputs.none }}' },
      'timeout: must be a duration such as 30s, 10m, 1h30m or 250ms (with its unit); it is null',
    ],
    [
      { tool: 'shell', input: { argv: ['true'] }, timeout: '${{ inputs.long }}' },
      'timeout: must be at most 24d; it is "30d"',
    ],
    [
      { tool: 'shell', input: { argv: ['true'] }, timeout: '${{ inputs.short }}' },
      'timeout: must be longer than nothing; it is "0s"',
    ],
  ])('is one with an expression that comes to nothing sensible: %#', async (step, why) => {
    const { outcome, story, host } = await run([step], { inputs: { x: 'text', long: '30d', short: '0s' } });
    expect(outcome).toMatchObject({ kind: 'failed', stepId: '1', error: expect.stringContaining(why) });
    expect(story[0]).toContain(why);
    expect(host.calls).toEqual([]);
  });

  it('is the outputs where they cannot be made', async () => {
    const { outcome } = await run([say('a', 'x')], { outputs: { a: '${{ steps.a.output < 1 }}' } });
    expect(outcome).toMatchObject({ kind: 'failed', stepId: 'outputs' });
  });
});

describe('a step that takes too long', () => {
  it('is ended at its timeout and says so, with what its tool had to say', async () => {
    const step = {
      id: 'slow',
      tool: 'shell',
      input: { command: 'echo begun; sleep 60' },
      timeout: '${{ inputs.limit }}',
    };
    const { outcome, host } = await run([step, say('b', 'x')], { inputs: { limit: '300ms' } });
    const error = 'NIKA_TOOL_TIMED_OUT: not done within 0.3 s';
    expect(outcome).toEqual({ kind: 'failed', stepId: 'slow', error });
    expect(host.results).toMatchObject([{ error, isInterrupt: true, response: { stdout: 'begun\n' } }]);
  });

  it('may fail like any other', async () => {
    const slow = { tool: 'shell', input: { argv: ['sleep', '60'] }, timeout: '50ms', continue_on_error: true };
    expect((await run([slow, say('b', 'x')])).outcome).toMatchObject({ kind: 'completed', lastOutput: 'x' });
  });
});

describe('a job that is ended from outside', () => {
  it('ends the tool that runs, begins no other, not even one with always(), and ends its tasks', async () => {
    const host = new StoryHost();
    const steps = [
      say('z', 'x', { task: 'zero' }),
      say('a', 'x', { task: 'one' }),
      { id: 'b', tool: 'shell', input: { command: 'touch begun; sleep 60' }, task: 'two' },
      say('c', 'x', { if: 'always()', task: 'one' }),
      say('d', 'x', { task: 'three' }),
    ];
    const running = run(steps, { host });
    while (
      !(await readFile(join(dir, 'begun')).then(
        () => true,
        () => false,
      ))
    );
    host.controller.abort();
    const { outcome, story } = await running;
    expect(outcome).toEqual({ kind: 'cancelled' });
    expect(story).toEqual([
      'start zero',
      'zero/z ok',
      'end zero completed',
      'start one',
      'one/a ok',
      'start two',
      'two/b failed',
      'end one cancelled',
      'end two cancelled',
    ]);
  });

  it('begins nothing where it was ended before', async () => {
    const host = new StoryHost();
    host.controller.abort();
    expect(await run([say('a', 'x')], { host })).toMatchObject({ outcome: { kind: 'cancelled' }, story: [] });
  });
});

describe('tasks', () => {
  it('begin with their first step and end with their last, also where others stand between', async () => {
    const one = { task: 'one' };
    const two = { task: 'two' };
    const { story } = await run([
      say('a', 'x', one),
      say('b', 'x', two),
      say('c', 'x'),
      say('d', 'x', one),
      say('e', 'x', two),
    ]);
    expect(story).toEqual([
      'start one',
      'one/a ok',
      'start two',
      'two/b ok',
      'c ok',
      'one/d ok',
      'end one completed',
      'two/e ok',
      'end two completed',
    ]);
  });

  it('fail with their step, are cancelled where another one fails, and never begin where no step of theirs runs', async () => {
    const steps = [
      say('a', 'x', { task: 'cut' }),
      fail('b', { task: 'bad' }),
      say('c', 'x', { task: 'cut' }),
      say('d', 'x', { task: 'never' }),
      say('e', 'x', { task: 'bad', if: 'always()' }),
    ];
    const { story } = await run(steps);
    expect(story).toEqual([
      'start cut',
      'cut/a ok',
      'start bad',
      'bad/b failed',
      'end cut cancelled (step b failed)',
      'bad/e ok',
      'end bad failed (step b: Exit code 7)',
      'note: 2 steps skipped because step b failed',
    ]);
  });

  it('complete where a step of theirs may fail, or is left out by its own condition', async () => {
    const steps = [fail('a', { task: 'one', continue_on_error: true }), say('b', 'x', { task: 'one', if: false })];
    const { story } = await run(steps);
    expect(story.at(-1)).toBe('end one completed');
  });
});
