import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { resolveHome } from '../home.ts';
import { checkJob } from '../job/job-check.ts';
import { loadSettings } from '../settings.ts';
import { formatProblem } from '../yaml/problem.ts';
import { parseYaml } from '../yaml/yaml-file.ts';
import { parsePolicyRule } from './policy-rule.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-hooks-config-'));
  mkdirSync(join(dir, 'config'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const JOB = `name: x
description: d
domain: d
intent: i
steps: [{ tool: shell, input: { command: 'true' } }]
`;

const job = (text: string) => {
  const outcome = parseYaml('job.yaml', JOB + text);
  if (!outcome.ok) throw new Error(outcome.problems.map(formatProblem).join('\n'));
  return checkJob(outcome.yaml);
};

const problemsOfJob = (text: string): readonly string[] => {
  const outcome = job(text);
  return outcome.ok ? [] : outcome.problems.map(formatProblem);
};

describe('hooks in a file', () => {
  it('have defaults, and become what is run', () => {
    const outcome = job(`hooks:
  pre:
    - { match: 'shell|Bash', command: ['./check.sh', -x], timeout: 250ms, required: true, name: no-prod }
    - command: ./check.sh --all
    - module: ./hooks/guard.ts
`);
    expect(outcome.ok && outcome.job.hooks).toEqual({
      pre: [
        {
          match: 'shell|Bash',
          program: { kind: 'command', argv: ['./check.sh', '-x'] },
          timeoutMs: 250,
          isRequired: true,
          name: 'no-prod',
        },
        {
          match: '*',
          program: { kind: 'command', argv: ['/bin/sh', '-c', './check.sh --all'] },
          timeoutMs: 5_000,
          isRequired: false,
          name: './check.sh --all',
        },
        {
          match: '*',
          program: { kind: 'module', file: './hooks/guard.ts' },
          timeoutMs: 5_000,
          isRequired: false,
          name: './hooks/guard.ts',
        },
      ],
      post: [],
      failure: [],
    });
  });

  it('of a job are wrong by line and field', () => {
    const wrong = `hooks:
  pre:
    - match: shell
    - { command: 'true', module: ./a.ts }
    - { command: 'true', timeout: 5 }
    - { command: 'echo \${{ inputs.x }}' }
    - { command: 'true', match: 'a b' }
    - { comand: 'true' }
  before: []
`;
    expect(problemsOfJob(wrong)).toEqual([
      'job.yaml:8:7: hooks.pre[0]: must have one of "command" (a program) and "module" (a file)',
      'job.yaml:9:7: hooks.pre[1]: must have one of "command" (a program) and "module" (a file)',
      'job.yaml:10:35: hooks.pre[2].timeout: must be a duration such as 30s, 10m, 1h30m or 250ms (with its unit)',
      expect.stringContaining(
        'job.yaml:11:18: hooks.pre[3].command: is taken as it stands; a template is not possible here',
      ),
      'job.yaml:12:33: hooks.pre[4].match: must be the name of a tool; * stands for any text, | stands between several',
      expect.stringContaining('job.yaml:13:7: hooks.pre[5]'),
      expect.stringContaining('did you mean "command"?'),
      expect.stringContaining('job.yaml:14:3: hooks.before: unknown field'),
    ]);
  });
});

describe('a policy in a file', () => {
  it('is accepted in a job, each rule read', () => {
    const outcome = job(
      `policy: { default: ask, deny: ['shell: git  push*', 'write_file: outside:. "/a b"', 'http'] }\n`,
    );
    expect(outcome.ok && outcome.job.policy).toEqual({
      default: 'ask',
      deny: [
        { text: 'shell: git  push*', tools: 'shell', condition: { kind: 'text', pattern: 'git  push*' } },
        {
          text: 'write_file: outside:. "/a b"',
          tools: 'write_file',
          condition: { kind: 'outside', roots: ['.', '/a b'] },
        },
        { text: 'http', tools: 'http', condition: { kind: 'any' } },
      ],
      ask: [],
      allow: [],
    });
  });

  it.each([
    ['shell:', 'has no pattern; for every call of the tool write "shell" without the colon'],
    ['git push: x', 'must begin with a tool, such as "shell: git push*"; "git push" is none'],
    [': x', 'must begin with a tool, such as "shell: git push*"; "" is none'],
    ['https://example.com/*', 'begins with a tool, then the address, such as "http: https://example.com/*"'],
    ['write_file: outside:', 'names no folder; must be such as "write_file: outside:." or "outside:. /tmp"'],
    ['write_file: outside:~/x', '"~/x" must be written out: ~, $ and * mean nothing in a folder here'],
    ['write_file: outside:"/a', 'has a quote that is not closed'],
    ['shell: outside:.', '"shell" has no path, so nothing of it is outside; outside: is for tools that name a file'],
  ])('a rule that cannot be meant: %s', (text, why) => {
    expect(parsePolicyRule(text)).toEqual({ ok: false, why });
  });

  it('of the settings is wrong by line and field, and stops the start', () => {
    writeFileSync(
      join(dir, 'config/nika.yaml'),
      "policy:\n  default: deny\n  deny:\n    - 'shell: a'\n    - 'shell:'\n  alow: []\n",
    );
    const home = resolveHome({ flag: dir, env: {}, cwd: dir });
    const load = (): unknown => loadSettings(home, {});
    expect(load).toThrow(NikaError);
    expect(load).toThrow(/nika\.yaml:5:7: policy\.deny\[1\]: has no pattern/);
    expect(load).toThrow(/nika\.yaml:6:3: policy\.alow: unknown field; did you mean "allow"\?/);
  });
});
