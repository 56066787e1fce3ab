import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addInitCommand } from './init-commands.ts';
import { addJobCommands } from './job-commands.ts';
import { resolveTerminal } from '../terminal.ts';

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'nika-cli-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

interface Ran {
  readonly out: string;
  readonly warnings: string;
  readonly code: number;
}

const run = async (
  args: readonly string[],
  { cwd = dir, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ran> => {
  let out = '';
  let warnings = '';
  const terminal = {
    ...resolveTerminal(process),
    cwd,
    env: { HOME: join(dir, 'user'), ...env },
    isInteractive: false,
    paint: (_: unknown, text: string) => text,
    print: (text: string) => {
      out += text;
    },
    warn: (text: string) => {
      warnings += text;
    },
  };
  const program = new Command('nika').exitOverride();
  addJobCommands(program, terminal);
  addInitCommand(program, terminal);
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
    return { out, warnings, code: process.exitCode };
  } finally {
    process.exitCode = before;
  }
};

const put = (path: string, text: string): string => {
  const full = join(dir, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
};

const GOOD = `name: good
description: Does good.
domain: d
intent: i
inputs: { who: { required: true, description: Whom. }, top: { type: number, default: 3 } }
limits: { tool_calls: 5, wall: 2m }
outputs: { x: '\${{ steps.a.output }}' }
steps:
  - { id: a, task: t, tool: shell, if: inputs.top > 1, input: { argv: [echo, '\${{ inputs.who }}'] } }
`;

describe('nika init', () => {
  it('makes the current folder a home and says what to try next; the second time it says that nothing was changed', async () => {
    mkdirSync(join(dir, '.git'));
    const first = await run(['init']);
    expect(first.out).toContain(`A home: ${dir}\n`);
    expect(first.out).toMatch(/^made +config\/nika\.yaml /m);
    expect(first.out).toMatch(/^made +\.gitignore +\/_bus\/ \/logs\/ \/run\/$/m);
    expect(first.out).toMatch(/\nNext: nika pod start hello\n$/);
    const second = await run(['init']);
    expect(second.out).toContain('A home already; nothing was changed');
    expect(second.out).not.toMatch(/^(made|added) /m);
    expect((await run(['job', 'check'])).code).toBe(0);
  });

  it('says so where nika would still use another home', async () => {
    const { out, warnings } = await run(['init', '--home', 'sub'], { env: { NIKA_HOME: '/srv/pods' } });
    expect(warnings).toContain('nika uses /srv/pods (NIKA_HOME says so)');
    expect(out).toContain(`Next: nika pod start hello --home ${join(dir, 'sub')}`);
  });
});

describe('nika job', () => {
  it('lists jobs with where they come from; broken ones with what is wrong', async () => {
    put('config/nika.yaml', '');
    put('config/jobs/good.yaml', GOOD);
    put('config/jobs/bad.yaml', 'name: bad\ndescription: x\n');
    const { out } = await run(['job', 'list']);
    expect(out).toMatch(/^good +home +Does good\.$/m);
    expect(out).toMatch(
      /^bad +home +broken: config\/jobs\/bad\.yaml:1:1: domain: is missing; must be text \(and 2 more\)$/m,
    );
    const json: unknown = JSON.parse((await run(['job', 'list', '--json'])).out);
    expect(json).toContainEqual(
      expect.objectContaining({ name: 'good', source: 'home', ok: true, description: 'Does good.' }),
    );
    expect(json).toContainEqual(expect.objectContaining({ name: 'bad', ok: false, problems: expect.any(Array) }));
  });

  it('shows one job: inputs, steps, limits, its file, and how to start it', async () => {
    put('config/nika.yaml', '');
    const file = put('config/jobs/good.yaml', GOOD);
    const { out } = await run(['job', 'show', 'good']);
    expect(out).toContain(file);
    expect(out).toMatch(/^ +who +string +required +Whom\.$/m);
    expect(out).toMatch(/^ +top +number +3$/m);
    expect(out).toMatch(/^ +a +shell +t +echo \$\{\{ inputs\.who \}\} {2}if inputs\.top > 1$/m);
    expect(out).toMatch(/^ +wall time +at most 2m$/m);
    expect(out).toMatch(/Start it: nika pod start good --input who=…\n$/);
    expect(JSON.parse((await run(['job', 'show', 'good', '--json'])).out)).toMatchObject({
      name: 'good',
      file,
      job: { limits: { wall: '2m' } },
    });
  });

  it('does not let a job file steer the terminal', async () => {
    put('x.yaml', GOOD.replace('Does good.', String.raw`"\e[2J\x07red"`));
    expect((await run(['job', 'show', './x.yaml'])).out).toContain('good  red\n');
  });

  it('checks jobs by name and by path; exit code 2 and every mistake if one is wrong', async () => {
    put('config/nika.yaml', '');
    put('config/jobs/good.yaml', GOOD);
    expect(await run(['job', 'check', 'good'])).toMatchObject({ code: 0, out: 'ok     good  config/jobs/good.yaml\n' });
    put('drafts/odd.yaml', GOOD.replace('tool: shell', 'tool: shel').replace('steps.a', 'steps.b'));
    const { out, code } = await run(['job', 'check', 'good', 'drafts/odd.yaml']);
    expect(code).toBe(2);
    expect(out).toContain('ok     good  config/jobs/good.yaml\nwrong  odd  drafts/odd.yaml\n');
    expect(out).toContain('drafts/odd.yaml:7:26: outputs.x: no earlier step has the id "b"; did you mean "a"?\n');
    expect(out).toContain('drafts/odd.yaml:9:29: steps[0].tool: must not be "shel"; did you mean "shell"?\n');
    const json: unknown = JSON.parse((await run(['job', 'check', '--json'])).out);
    expect(json).toContainEqual(expect.objectContaining({ name: 'good', ok: true, problems: [] }));
  });

  it('tells of all that it was asked to check, also of what is not there', async () => {
    put('config/nika.yaml', '');
    put('config/jobs/good.yaml', GOOD);
    const { out, code } = await run(['job', 'check', 'god', 'good', './no.yaml']);
    expect(code).toBe(2);
    expect(out).toMatch(
      /^wrong {2}god\n +god: no job "god"; did you mean "good"\?.*\nok {5}good .*\nwrong {2}\.\/no\.yaml\n +\.\/no\.yaml: there is no file .*\n$/,
    );
    const json: unknown = JSON.parse((await run(['job', 'check', 'god', '--json'])).out);
    expect(json).toEqual([
      expect.objectContaining({ name: 'god', file: null, ok: false, problems: [expect.anything()] }),
    ]);
  });

  it('says of a job that another hides that it never runs', async () => {
    put('config/nika.yaml', '');
    put('config/jobs/good.yaml', GOOD);
    put('config/jobs/good.yml', GOOD);
    const { out, code } = await run(['job', 'check']);
    expect(code).toBe(0);
    expect(out).toContain('ok     good  config/jobs/good.yaml\n');
    expect(out).toContain('hidden good  config/jobs/good.yml  hidden by config/jobs/good.yaml, which runs instead\n');
  });
});
