import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policySchema } from '../../config/hooks/hooks.ts';
import { openPolicy } from './policy-guard.ts';

let dir = '';
let cwd = '';
beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-policy-')));
  cwd = join(dir, 'ws');
  await mkdir(join(cwd, 'src/deep'), { recursive: true });
  await mkdir(join(dir, 'outside/deep'), { recursive: true });
  await writeFile(join(cwd, 'src/a.ts'), '');
  await symlink('../outside', join(cwd, 'way-out'));
  await symlink(join(dir, 'outside/not-there'), join(cwd, 'src/dangling'));
  await symlink('src', join(cwd, 'way-in'));
  await symlink('circle', join(cwd, 'circle'));
  await symlink('../../outside/deep', join(cwd, 'src/up'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Rules {
  readonly default?: string;
  readonly deny?: readonly string[];
  readonly ask?: readonly string[];
  readonly allow?: readonly string[];
}

/** `allow`, or what is said and by whom. */
const say = async (tool: string, input: unknown, settings: Rules, job?: Rules): Promise<string> => {
  const given = [
    { policy: policySchema.parse(settings), by: 'settings' },
    ...(job === undefined ? [] : [{ policy: policySchema.parse(job), by: 'job' }]),
  ];
  const guard = await openPolicy(given, cwd);
  const event = { session_id: 's', cwd, tool_name: tool, tool_input: input, tool_use_id: 'u' };
  const refusal = await guard.forTool(tool)?.({ ...event, hook_event_name: 'PreToolUse' });
  return refusal === undefined ? 'allow' : `${refusal.kind} by ${refusal.by}: ${refusal.reason}`;
};

const shell = (command: string, settings: Rules, job?: Rules) => say('shell', { command }, settings, job);

describe('a policy', () => {
  it('denies before it asks, and asks before it allows', async () => {
    const rules = { deny: ['shell: git push*'], ask: ['shell: git *'], allow: ['shell: *'] };
    expect(await shell('git push', rules)).toBe('deny by settings: shell: git push*');
    expect(await shell('git pull', rules)).toBe('ask by settings: shell: git *');
    expect(await shell('ls', { ...rules, default: 'deny' })).toBe('allow');
    expect(await shell('ls', rules)).toBe('allow');
  });

  it('falls back on its default', async () => {
    expect(await shell('ls', { default: 'deny' })).toBe('deny by settings: no rule allows it (default: deny)');
    expect(await shell('ls', { default: 'ask', allow: ['http'] })).toBe(
      'ask by settings: no rule allows it (default: ask)',
    );
    expect(await shell('ls', { default: 'deny', allow: ['shell'] })).toBe('allow');
  });

  it('allows a command line only when each of its commands is allowed', async () => {
    const rules = { default: 'deny', allow: ['shell: git status*', 'shell: cd *'] };
    expect(await shell('cd x && git status -s', rules)).toBe('allow');
    for (const line of [
      'git status; rm -rf x',
      'git status $(rm -rf x)',
      'git status `rm x`',
      'git status\nrm x',
      'LD_PRELOAD=./x git status',
      './git status',
      `git status ${'$('.repeat(60)}rm x`,
      '',
    ]) {
      expect(await shell(line, rules)).toMatch(/^deny/);
    }
  });

  it('denies what is too long to be looked at, where a rule looks at it', async () => {
    const long = `echo ${'x'.repeat(300_000)}`;
    expect(await shell(long, { deny: ['shell: git push*'] })).toBe(
      'deny by settings: shell: git push* (the call is too long to be looked at)',
    );
    expect(await shell(long, { default: 'deny', allow: ['shell: echo *'] })).toMatch(/^deny/);
    expect(await shell(long, { deny: ['http'] })).toBe('allow');
  });

  it('knows the tools of agents by the fields of their inputs', async () => {
    const rules = {
      deny: ['Bash|exec_command: git push*', 'Write|Edit: *.env', 'WebFetch: https://*.prod.example.com/*'],
    };
    expect(await say('Bash', { command: 'cd x; git push' }, rules)).toMatch(/^deny/);
    expect(await say('exec_command', { cmd: ['bash', '-lc', 'git push'] }, rules)).toMatch(/^deny/);
    expect(await say('Write', { file_path: `${cwd}/.env`, content: 'x' }, rules)).toMatch(/^deny/);
    expect(await say('Edit', { filePath: 'src/x.ts', content: '.env' }, rules)).toBe('allow');
    expect(await say('WebFetch', { url: 'HTTPS://me:pw@Api.Prod.Example.com.:443/x' }, rules)).toMatch(/^deny/);
    expect(await say('WebFetch', { url: 'https://example.com/' }, rules)).toBe('allow');
  });

  it.each([
    ['Bash', { command: 'git push -f' }, 'deny by settings: shell: git push*'],
    ['run_shell_command', { command: 'git push' }, 'deny by settings: shell: git push*'],
    ['Edit', { file_path: '/etc/hosts' }, 'deny by settings: write_file: outside:.'],
    [
      'apply_patch',
      { command: '*** Begin Patch\n*** Update File: src/a.ts\n*** Move to: ../x\n' },
      'deny by settings: write_file: outside:.',
    ],
    ['apply_patch', { command: '*** Begin Patch\n*** Update File: src/a.ts\n+git push\n' }, 'allow'],
    ['Task', { command: 'git push' }, 'allow'],
  ])(
    'holds a rule for a tool of nika against the tool of an agent that does the same: %s %j',
    async (tool, input, said) => {
      expect(await say(tool, input, { deny: ['shell: git push*', 'write_file: outside:.'] })).toBe(said);
    },
  );

  it('looks at the input of any other tool as JSON', async () => {
    const rules = { deny: ['mcp__db__*: *DROP TABLE*'] };
    expect(await say('mcp__db__query', { sql: 'DROP TABLE x' }, rules)).toMatch(/^deny/);
    expect(await say('mcp__db__query', { sql: 'SELECT 1' }, rules)).toBe('allow');
    expect(await say('mcp__db__query', 'DROP TABLE x', rules)).toMatch(/^deny/);
    expect(await say('mcp__db__query', { big: 1n }, rules)).toMatch(/^deny .*too long/);
    expect(await say('mcp__db__query', undefined, rules)).toBe('allow');
  });
});

describe("a job's policy beside that of the settings", () => {
  it('adds to it', async () => {
    expect(await shell('git push', {}, { deny: ['shell: git push*'] })).toBe('deny by job: shell: git push*');
    expect(await shell('ls', { ask: ['http'] }, { default: 'deny' })).toMatch(/^deny by job/);
  });

  it('lifts nothing that it denies or asks about, neither by rules nor by its default', async () => {
    const all = { default: 'allow', allow: ['*', 'shell: *'] };
    expect(await shell('git push', { deny: ['shell: git push*'] }, all)).toMatch(/^deny by settings/);
    expect(await shell('git push', { ask: ['shell: git push*'] }, all)).toMatch(/^ask by settings/);
    expect(await shell('ls', { default: 'deny', allow: ['shell: git *'] }, all)).toMatch(/^deny by settings/);
    expect(await shell('ls', { default: 'ask' }, { deny: ['shell: ls'] })).toBe('deny by job: shell: ls');
  });
});

describe('a path', () => {
  const OUTSIDE = { deny: ['write_file: outside:.'] };
  it.each(['src/a.ts', './new/dir/file', 'src/../src/a.ts', 'way-in/new.ts', 'way-in/../src/x'])(
    '%s is inside',
    async (path) => {
      expect(await say('write_file', { path }, OUTSIDE)).toBe('allow');
      expect(await say('write_file', { path: join(cwd, path) }, OUTSIDE)).toBe('allow');
    },
  );

  it.each([
    '../x',
    'src/../../x',
    '/etc/passwd',
    'way-out/x',
    'way-out/new/x',
    'src/dangling',
    'src/up/x',
    'src/up/../x',
    'circle',
    'circle/x',
    '..',
    '../ws-other/x',
    'new/../../x',
  ])('%s is outside, or cannot be told', async (path) => {
    expect(await say('write_file', { path }, OUTSIDE)).toBe('deny by settings: write_file: outside:.');
  });

  it('may lie in any of several folders', async () => {
    const rules = { deny: [`write_file: outside:. ../outside`] };
    expect(await say('write_file', { path: 'way-out/x' }, rules)).toBe('allow');
    expect(await say('write_file', { path: '../x' }, rules)).toMatch(/^deny/);
  });

  it('is matched as written, as it is, and seen from the folder of the pod', async () => {
    for (const [pattern, path] of [
      ['src/*', './src/x'],
      ['./src/*', 'src/x'],
      ['src/*', 'way-in/x'],
      ['way-in/*', 'way-in/x'],
      [`${dir}/outside/*`, 'way-out/x'],
      ['src/a.ts', `${cwd}/src/deep/../a.ts`],
    ] as const) {
      expect(await say('write_file', { path }, { deny: [`write_file: ${pattern}`] })).toMatch(/^deny/);
    }
  });

  it('is allowed by where it leads, not by how it is written', async () => {
    const rules = { default: 'deny', allow: ['read_file: src/*'] };
    expect(await say('read_file', { path: 'src/a.ts' }, rules)).toBe('allow');
    expect(await say('read_file', { path: 'way-in/a.ts' }, rules)).toBe('allow');
    for (const path of ['src/../../x', 'src/dangling', 'src/up/x', 'src/up/../../src/a.ts', 'circle']) {
      expect(await say('read_file', { path }, rules)).toMatch(/^deny/);
    }
  });

  it('of a pattern is the folder it begins in', async () => {
    const rules = { deny: ['list_files|search|Glob: outside:.'] };
    for (const input of [
      { glob: ['src/**', '../outside/*'] },
      { glob: '/etc/*' },
      { glob: ['{../outside,src}/*'] },
      { glob: '*', cwd: '..' },
      { glob: 'way-out/*' },
      { pattern: '/etc/**' },
      { pattern: 'x', path: '/etc' },
    ]) {
      const tool = 'pattern' in input ? 'Glob' : 'list_files';
      expect(await say(tool, input, rules)).toMatch(/^deny/);
    }
    expect(await say('list_files', { glob: ['**/*.ts', 'src/*', '!x'] }, rules)).toBe('allow');
    expect(await say('search', { pattern: '/etc/x', path: 'src', glob: ['**/*'] }, rules)).toBe('allow');
    expect(await say('search', { path: 'src', glob: ['**'] }, { default: 'deny', allow: ['search: src/*'] })).toBe(
      'allow',
    );
    expect(await say('search', { path: '.', glob: ['**'] }, { default: 'deny', allow: ['search: src/*'] })).toMatch(
      /^deny/,
    );
  });

  it('keeps to the folder that was there at the start, also where that is made a link later', async () => {
    const root = join(dir, 'moved');
    await mkdir(root);
    const guard = await openPolicy([{ policy: policySchema.parse(OUTSIDE), by: 's' }], root);
    await rm(root, { recursive: true });
    await symlink(join(dir, 'outside'), root);
    const event = { session_id: 's', cwd: root, tool_name: 'write_file', tool_input: { path: 'x' }, tool_use_id: 'u' };
    expect(await guard.forTool('write_file')?.({ ...event, hook_event_name: 'PreToolUse' })).toMatchObject({
      kind: 'deny',
    });
  });
});
