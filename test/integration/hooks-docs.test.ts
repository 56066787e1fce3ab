import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';
import { type FileRules, HookedPod } from '../fixtures/hooked-pod.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/hooks.md'), 'utf8');
const blocks = (language: string): readonly string[] =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')), (match) => match[1] ?? '');

const pod = new HookedPod();
afterAll(() => pod[Symbol.asyncDispose]());
const signal = new AbortController().signal;

/** The n-th example in YAML as a job would have it. */
const open = (at: number) => {
  const yaml = parseYaml('docs/hooks.md', blocks('yaml')[at] ?? '');
  return pod.open({}, (yaml.ok ? yaml.yaml.value : {}) as FileRules);
};

describe('the examples of docs/hooks.md', () => {
  it('the first policy denies a forced push, and a file outside', async () => {
    const pipeline = await open(0);
    const shell = (command: string) => pipeline.before(pod.pre({ command }), signal);
    expect(await shell('cd x && git push -q --force')).toMatchObject({ reason: 'shell: git push*--force*' });
    expect(await shell('git push')).toBeUndefined();
    expect(await pipeline.before(pod.pre({ path: '../x' }, 'write_file'), signal)).toMatchObject({ kind: 'deny' });
    expect(await pipeline.before(pod.pre({ url: 'https://a.prod.example.com/x' }, 'http'), signal)).toMatchObject({
      kind: 'ask',
    });
  });

  it('the second lets nothing through but what it names', async () => {
    const pipeline = await open(1);
    expect(await pipeline.before(pod.pre({ command: 'npm test' }), signal)).toBeUndefined();
    expect(await pipeline.before(pod.pre({ command: 'npm test; rm x' }), signal)).toMatchObject({ kind: 'deny' });
  });

  it('the program denies deploys on a Friday alone', async () => {
    pod.program('check.sh', blocks('sh')[0] ?? '');
    const pipeline = await open(2);
    const isFriday = new Date().getDay() === 5;
    expect(await pipeline.before(pod.pre({ command: 'deploy' }), signal)).toEqual(
      isFriday ? { kind: 'deny', reason: 'no deploys on a Friday', by: 'no-friday' } : { kind: 'allow' },
    );
    expect(await pipeline.before(pod.pre({ command: 'ls' }), signal)).toEqual({ kind: 'allow' });
    expect(pipeline.failures()).toEqual({});
  });

  it('the module asks about production and sets a timeout elsewhere', async () => {
    pod.program('hooks/guard.ts', `#!ts\n${blocks('ts')[0] ?? ''}`);
    const pipeline = await open(3);
    const http = (url: string) => pipeline.before(pod.pre({ url }, 'http'), signal);
    expect(await http('https://prod.example.com/')).toMatchObject({ kind: 'ask', reason: 'this is production' });
    expect(await http('https://example.com/')).toMatchObject({ input: { url: 'https://example.com/', timeout: '5s' } });
    await pipeline.after(pod.failure('x'), signal);
    expect(pipeline.failures()).toEqual({});
  });
});
