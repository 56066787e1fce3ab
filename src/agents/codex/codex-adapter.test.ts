import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { McpServerCommand } from '../../mcp/server-command.ts';
import type { AgentWish, HookPlace } from '../adapter.ts';
import { codexAdapter } from './codex-adapter.ts';
import { trustHash } from './codex-flags.ts';

const WISH: AgentWish = {
  prompt: 'do it',
  model: undefined,
  permission: 'full',
  args: [],
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
};
const FULL = '--dangerously-bypass-approvals-and-sandbox';

describe('codexAdapter', () => {
  let dir = '';
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'nika-codex-')), "it's here");
    mkdirSync(dir);
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

  const place = (mayAsk = false, mcp?: McpServerCommand): HookPlace => {
    const at = (name: string): string => join(dir, name);
    return { dir, url: '', token: '', socket: at('x.hook'), spool: at('spool'), mayAsk, mcp, sessionId: 'a' };
  };
  const argvOf = async (wish: Partial<AgentWish>, mayAsk = false): Promise<readonly string[]> =>
    (await codexAdapter.prepare({ ...WISH, ...wish }, place(mayAsk))).argv;
  /** Without the flags of the hooks. */
  const shortArgvOf = async (wish: Partial<AgentWish>): Promise<string> => {
    const argv = await argvOf(wish);
    return argv
      .filter((arg, at) => !/^(features\.)?hooks/.test(arg) && !/^(features\.)?hooks/.test(argv[at + 1] ?? ''))
      .join(' ');
  };

  it('gives the prompt on standard input, and asks for events as JSON', async () => {
    const start = await codexAdapter.prepare(WISH, place());
    expect(start).toMatchObject({ stdin: 'do it' });
    expect(await shortArgvOf({})).toBe(`codex exec --json --skip-git-repo-check ${FULL} -`);
    expect(start.degraded).toBeUndefined();
  });

  it('says what it may do, which model, and with which session it goes on', async () => {
    expect(await shortArgvOf({ permission: 'read', model: 'gpt-5.5', resume: 'abc' })).toBe(
      'codex exec --json --skip-git-repo-check -m gpt-5.5 -s read-only resume abc -',
    );
    expect(await shortArgvOf({ permission: 'edit' })).toContain('-s workspace-write');
    expect(await shortArgvOf({ permission: 'ask' })).toBe('codex exec --json --skip-git-repo-check -');
  });

  it('gives nothing twice that the user gave', async () => {
    const args = ['--json', '-i', 'a.png', '-s', 'read-only'];
    expect(await shortArgvOf({ args })).toBe('codex exec --json -i a.png -s read-only --skip-git-repo-check -');
  });

  it('registers a hook for each event, trusted by its hash, none of it in a file of the user', async () => {
    const argv = await argvOf({});
    const flags = argv.flatMap((arg, at) => (argv[at - 1] === '-c' ? [arg] : []));
    expect(flags[0]).toBe('features.hooks=true');
    const script = join(dir, 'hook.sh');
    const command = `'${script.replaceAll("'", `'\\''`)}' SessionEnd`;
    expect(flags).toContainEqual(
      `hooks.SessionEnd=[{hooks=[{type="command",command=${JSON.stringify(command)},timeout=3}]}]`,
    );
    const hash = trustHash({ event: 'SessionEnd', command, timeoutS: 3 });
    expect(flags.at(-1)).toContain(`"/<session-flags>/config.toml:session_end:0:0"={trusted_hash="${hash}"}`);
    expect(flags).toHaveLength(14);
    expect(statSync(script).mode & 0o777).toBe(0o700);
  });

  it('gives it the tools of nika, with the names of the variables that they need, never their values', async () => {
    const mcp = { command: '/node', args: ['nika.cjs', 'mcp'], env: { NIKA_HOME: '/a "b"' }, inherit: ['HOME', 'KEY'] };
    const { argv } = await codexAdapter.prepare(WISH, place(false, mcp));
    expect(argv).toContain(
      'mcp_servers.nika={command="/node",args=["nika.cjs","mcp"],env={"NIKA_HOME"="/a \\"b\\""},env_vars=["HOME","KEY"],default_tools_approval_mode="approve"}',
    );
  });

  it('waits long before a call only where somebody may be asked', async () => {
    expect((await argvOf({})).find((arg) => arg.startsWith('hooks.PreToolUse'))).toContain('timeout=3}');
    const asking = await argvOf({}, true);
    expect(asking.find((arg) => arg.startsWith('hooks.PreToolUse'))).toMatch(/ PreToolUse 86400".*timeout=86402\}/);
    expect(asking.find((arg) => arg.startsWith('hooks.PostToolUse'))).toContain('timeout=3}');
  });

  it('leaves what a person typed as it is, with the hooks before it', async () => {
    const prompt = undefined;
    expect(await shortArgvOf({ prompt, permission: 'ask', args: ['fix it'] })).toBe('codex fix it');
    expect(await shortArgvOf({ prompt, permission: 'ask', args: ['exec', 'fix it'] })).toBe('codex exec fix it');
    expect(await shortArgvOf({ prompt, permission: 'ask', resume: 'abc' })).toBe('codex resume abc');
    expect(await argvOf({ prompt, permission: 'ask', args: ['resume', '--last'] })).toContain('features.hooks=true');
    for (const args of [['--version'], ['login'], ['mcp', 'list'], ['-h']]) {
      expect(await argvOf({ prompt, args })).toEqual(['codex', ...args]);
    }
  });

  it('refuses a limit of turns, which Codex does not have', async () => {
    await expect(argvOf({ maxTurns: 3 })).rejects.toThrow('max_turns: Codex has no such limit');
  });

  it('says so where its hooks find no curl (G9)', async () => {
    const start = await codexAdapter.prepare({ ...WISH, env: { PATH: dir } }, place());
    expect(start.degraded).toContain('there is no bash and no curl on the PATH');
  });
});

describe('trustHash', () => {
  it('is what Codex 0.169.0 computes', () => {
    const hook = { event: 'PreToolUse', command: '/opt/hook.sh', timeoutS: 5 };
    expect(trustHash(hook)).toBe('sha256:656a2715f722647e0aed8474eb696bc284b7f654aa1cc063a69ef51b0ceefca3');
  });
});
