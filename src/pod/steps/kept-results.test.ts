import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scope } from '../../config/expression/evaluate.ts';
import { type Job, jobSchema } from '../../config/job/job.ts';
import { renderTemplates, shouldRun } from '../../config/expression/template.ts';
import type { ToolResult } from '../tools/tool.ts';
import { KeptResults } from './kept-results.ts';
import { runSteps, type StepsCall, type StepsHost } from './run-steps.ts';

const MEGABYTE = 1_000_000;
const TEXT_BYTES = 500_000;
const STEPS = 400;

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nika-kept-'));
  await writeFile(join(dir, 'large.txt'), 'x'.repeat(TEXT_BYTES));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const jobOf = (steps: readonly object[], outputs?: object): Job => {
  const text = { name: 'test', description: 'A job of the tests.', domain: 'test', intent: 'test' };
  return jobSchema.parse({ ...text, steps, ...(outputs === undefined ? {} : { outputs }) });
};

const scopeWith = (steps: Scope['steps'], inputs: Scope['inputs'] = {}): Scope => ({
  inputs,
  steps,
  job: { id: 'JOB-x', name: 'test', dir, cwd: dir },
  env: {},
  nika: { node: process.execPath, home: dir },
});

const heapCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
};

/** Runs the calls as they are, keeps nothing of them, and sees what is held when the first and the last begin. */
class WeighingHost implements StepsHost {
  readonly heldBytes: number[] = [];
  readonly #collect = heapCollector();

  async callTool(call: StepsCall): Promise<ToolResult> {
    if (call.stepId === 's0' || call.stepId === 'last') {
      for (let round = 0; round < 3; round += 1) {
        this.#collect();
        await nextTurn(); // buffers go a turn after the collection that found them
      }
      const { heapUsed, external } = process.memoryUsage();
      this.heldBytes.push(heapUsed + external);
    }
    return call.run(call.input, new AbortController().signal);
  }
  startTask(): void {}
  endTask(): void {}
  note(): void {}
}

const ofLast = { id: 'last', tool: 'read_file', input: { path: 'large.txt', max_bytes: 1 } };
const readLarge = (more: (at: number) => object = () => ({})): object[] =>
  Array.from({ length: STEPS }, (_, at) => ({
    id: `s${at}`,
    tool: 'read_file',
    input: { path: 'large.txt' },
    ...more(at),
  }));

const weigh = async (steps: readonly object[]) => {
  const host = new WeighingHost();
  const job = jobOf(steps);
  const outcome = await runSteps({ job, scope: scopeWith({}), env: {}, host, signal: new AbortController().signal });
  const [first = 0, last = 0] = host.heldBytes;
  return { outcome, weighedCount: host.heldBytes.length, grownBytes: last - first };
};

describe('G6: what 400 steps that each leave 0.5 MB hold in memory', () => {
  it('is next to nothing where nobody names them', async () => {
    const { outcome, weighedCount, grownBytes } = await weigh([...readLarge(), ofLast]);
    expect(outcome).toMatchObject({ kind: 'completed', lastOutput: 'x' });
    expect(weighedCount).toBe(2);
    expect(grownBytes).toBeLessThan(10 * MEGABYTE);
  });

  it('is one of them where the last step names the first', async () => {
    const if_ = `steps.s0.output.length == ${TEXT_BYTES} && starts_with(steps.s0.output, 'xxx')`;
    const { outcome, weighedCount, grownBytes } = await weigh([...readLarge(), { ...ofLast, if: if_ }]);
    expect(outcome).toMatchObject({ kind: 'completed', lastOutput: 'x' });
    expect(weighedCount).toBe(2);
    expect(grownBytes).toBeLessThan(10 * MEGABYTE);
  });

  it('is one of them where each names the one before', async () => {
    const named = readLarge((at) => ({ if: at === 0 || `steps.s${at - 1}.output.length == ${TEXT_BYTES}` }));
    const { outcome, grownBytes } = await weigh([...named, ofLast]);
    expect(outcome).toMatchObject({ kind: 'completed', lastOutput: 'x' });
    expect(grownBytes).toBeLessThan(10 * MEGABYTE);
  });

  it('is all of them where the key is known at the run only: the scale tells the difference', async () => {
    const key = "${{ default(steps[job.name].output, 'large.txt') }}";
    const { outcome, grownBytes } = await weigh([...readLarge(), { ...ofLast, input: { path: key, max_bytes: 1 } }]);
    expect(outcome).toMatchObject({ kind: 'completed', lastOutput: 'x' });
    expect(grownBytes).toBeGreaterThan(0.9 * STEPS * TEXT_BYTES);
  });
});

const result = (at: number): ToolResult => {
  const response = { stdout: `out ${at}\n`, stderr: `err ${at}`, exit_code: at, more: [at] };
  return at % 3 === 2 ? { ok: false, error: `bad ${at}`, response } : { ok: true, response, output: `out ${at}` };
};

describe('what is kept of a step', () => {
  const step = (id: string, more: object = {}): object => ({ id, tool: 'shell', input: { argv: ['true'] }, ...more });

  it('is each field until the last step that names it, wherever in the step that is', () => {
    const job = jobOf([
      step('a'),
      step('b', { if: 'steps.a.stderr != 1', continue_on_error: '${{ steps.b.output == 2 }}' }),
      step('c', { input: { argv: ['echo', '${{ steps.a.stdout }}'] }, name: 'c of ${{ steps.b.stdout }}' }),
      step('d', { timeout: '${{ steps.a.stdout }}', input: { stdin: '${{ steps.e.output }}', argv: ['cat'] } }),
      step('e'),
    ]);
    const results = new KeptResults(job);
    const small = { ok: true, exit_code: 0, error: null, response: null, output: null, stdout: null, stderr: null };
    const seen = [0, 1, 2, 3, 4].map((at) => {
      results.keep(at, 'abcde'.charAt(at), result(0));
      const before = structuredClone(results.steps);
      results.pass(at);
      return before;
    });
    const named = { ...small, stdout: 'out 0\n' };
    expect(seen).toEqual([
      { a: { ...named, stderr: 'err 0' } },
      { a: { ...named, stderr: 'err 0' }, b: { ...named, output: 'out 0' } },
      { a: named, b: named, c: small },
      { a: named, b: small, c: small, d: small },
      { a: small, b: small, c: small, d: small, e: small },
    ]);
  });

  it('stays for the outputs of the job', () => {
    const results = new KeptResults(jobOf([step('a'), step('b')], { deep: [{ er: '${{ json(steps.a) }}' }] }));
    for (const at of [0, 1]) {
      results.keep(at, 'ab'.charAt(at), result(0));
      results.pass(at);
    }
    expect(results.steps).toMatchObject({ a: { output: 'out 0', response: { more: [0] } }, b: { output: null } });
  });

  it('is of an error no more than 8192 characters', () => {
    const results = new KeptResults(jobOf([step('a')]));
    results.keep(0, 'a', { ok: false, error: 'é'.repeat(MEGABYTE) });
    expect(results.steps['a']).toMatchObject({ ok: false, error: 'é'.repeat(8192) });
  });

  it('is all that any expression can see: whatever the job, it sees what it would see of everything', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const id = fc.constantFrom(...ids);
    const field = fc.constantFrom('output', 'ok', 'exit_code', 'stdout', 'stderr', 'response', 'error', 'none');
    const path = fc.oneof(
      fc.tuple(id, field).map(([of, name]) => `steps.${of}.${name}`),
      fc.tuple(id, field).map(([of, name]) => `steps['${of}']["${name}"]`),
      fc.tuple(id, id).map(([of, key]) => `steps[default(steps.${of}.none, inputs.${key})].stdout`),
      field.map((name) => `steps[inputs.a][inputs.${name}]`),
      id.map((of) => `steps.${of}`),
      id.map((of) => `default(steps.${of}.error, steps).stdout`),
      fc.tuple(id, field).map(([of, name]) => `(steps.${of} || steps)[inputs.${name}]`),
      fc.constant('steps'),
    );
    const expression = fc.oneof({ weight: 3, arbitrary: fc.constant('1') }, path).map((text) => `json(${text})`);
    const oneStep = fc.record({ input: expression, name: expression, if: expression, leave: expression });
    const inputs = Object.fromEntries([...ids, 'output', 'stderr', 'response'].map((name) => [name, name]));
    fc.assert(
      fc.property(fc.array(oneStep, { minLength: 6, maxLength: 6 }), expression, (steps, output) => {
        const hole = (text: string): string => `text $\{{ ${text} }}`;
        const job = jobOf(
          steps.map((of, at) =>
            step(ids[at] ?? '', {
              input: { argv: [hole(of.input)] },
              name: hole(of.name),
              if: `${of.if} == inputs.none`,
              continue_on_error: hole(of.leave),
            }),
          ),
          { output: hole(output) },
        );
        const kept = new KeptResults(job);
        const all = new KeptResults(
          jobOf(
            ids.map((name) => step(name)),
            { all: '${{ steps }}' },
          ),
        );
        const scopes = [kept, all].map((results) => scopeWith(results.steps, inputs));
        const expectSame = (see: (scope: Scope) => unknown): void => {
          const [ofKept, ofAll] = scopes.map(see);
          expect(ofKept).toEqual(ofAll);
        };
        for (const [at, of] of job.steps.entries()) {
          expectSame((scope) => shouldRun(of.if, scope, { failed: false }));
          expectSame((scope) => renderTemplates([of.input, of.name], scope));
          for (const results of [kept, all]) results.keep(at, ids[at] ?? '', result(at));
          expectSame((scope) => renderTemplates(of.continue_on_error, scope));
          for (const results of [kept, all]) results.pass(at);
        }
        expectSame((scope) => renderTemplates(job.outputs, scope));
      }),
      { numRuns: 300 },
    );
  });
});
