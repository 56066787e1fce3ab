import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentWish, HookPlace } from '../adapter.ts';
import type { Fields } from '../read-fields.ts';
import { opencodeAdapter } from './opencode-adapter.ts';

const WISH: AgentWish = {
  prompt: 'do it',
  model: undefined,
  permission: 'full',
  args: [],
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: {},
};
const MCP = { command: '/node', args: ['nika', 'mcp'], env: { NIKA_HOME: '/h' }, inherit: [] };

describe('opencodeAdapter', () => {
  let dir = '';
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'nika-opencode-')), "it's here");
    mkdirSync(dir);
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

  const place = (more: Partial<HookPlace> = {}): HookPlace => ({
    dir,
    url: 'http://127.0.0.1:1',
    token: 'a-token',
    socket: '',
    spool: join(dir, 'spool'),
    mayAsk: false,
    mcp: undefined,
    sessionId: 'a',
    ...more,
  });
  const startOf = (wish: Partial<AgentWish> = {}, more: Partial<HookPlace> = {}) =>
    opencodeAdapter.prepare({ ...WISH, ...wish }, place(more));
  const argvOf = async (wish: Partial<AgentWish>): Promise<string> => (await startOf(wish)).argv.join(' ');
  const configOf = async (...of: Parameters<typeof startOf>): Promise<Fields> =>
    JSON.parse((await startOf(...of)).env['OPENCODE_CONFIG_CONTENT'] ?? '{}') as Fields;
  const toldOf = (): Fields => JSON.parse(readFileSync(join(dir, 'place.json'), 'utf8')) as Fields;

  it('gives the prompt on standard input, and asks for events as JSON', async () => {
    expect(await startOf()).toMatchObject({
      argv: ['opencode', 'run', '--format', 'json', '--auto'],
      stdin: 'do it',
    });
    const wish = { permission: 'ask', model: 'a/b', resume: 'ses_1', args: ['--agent', 'plan'] } as const;
    expect(await argvOf(wish)).toBe('opencode run --format json --model a/b --session ses_1 --agent plan');
  });

  it('takes a word that is no folder for what the agent is asked on its screen', async () => {
    const screen = (...args: readonly string[]) => argvOf({ prompt: undefined, permission: 'ask', args });
    expect(await screen()).toBe('opencode');
    expect(await screen('fix the tests')).toBe('opencode --prompt fix the tests');
    expect(await screen('-m', 'a/b', 'fix', '--mini')).toBe('opencode -m a/b --prompt fix --mini');
    expect(await screen(tmpdir())).toBe(`opencode ${tmpdir()}`);
    expect(await screen('-s', 'ses_1')).toBe('opencode -s ses_1');
    expect(await screen('auth', 'login')).toBe('opencode auth login');
  });

  it('adds its plugin, which is there, and its tools to what the user has in the environment', async () => {
    const theirs = '{ // mine\n"plugin": ["a"], "mcp": { "b": { "enabled": false } }, "theme": "x", }';
    const config = await configOf({ env: { OPENCODE_CONFIG_CONTENT: theirs } }, { mcp: MCP });
    const [first, own] = config['plugin'] as readonly string[];
    expect([first, config['theme']]).toEqual(['a', 'x']);
    expect(existsSync(fileURLToPath(own ?? ''))).toBe(true);
    expect(config['mcp']).toEqual({
      b: { enabled: false },
      nika: { type: 'local', command: ['/node', 'nika', 'mcp'], environment: { NIKA_HOME: '/h' } },
    });
    // What the agent runs has what the user had.
    expect(toldOf()['shellEnv']).toEqual({ OPENCODE_CONFIG_CONTENT: theirs });
  });

  it('leaves a configuration alone that it cannot read, and says so', async () => {
    const start = await startOf({ env: { OPENCODE_CONFIG_CONTENT: '{' } });
    expect(start).toMatchObject({ env: {}, degraded: expect.stringContaining('no JSON') });
  });

  it('waits for npm as long as the user says', async () => {
    expect((await startOf()).env).toMatchObject({ npm_config_fetch_retry_maxtimeout: '500' });
    expect(toldOf()['unset']).toEqual(['npm_config_fetch_retry_mintimeout', 'npm_config_fetch_retry_maxtimeout']);
    const env = { npm_config_fetch_retry_mintimeout: '7', npm_config_fetch_retry_maxtimeout: '8' };
    expect(Object.keys((await startOf({ env })).env)).toEqual(['OPENCODE_CONFIG_CONTENT']);
    expect(toldOf()['unset']).toEqual([]);
  });

  it('gives a policy that may ask a person the time for it, and tells the plugin what the job allows', async () => {
    await startOf({ permission: 'edit', maxTurns: 4, args: ['--agent=mine'] }, { mayAsk: true });
    expect(toldOf()).toMatchObject({
      permission: 'edit',
      otherwise: 'deny',
      maxTurns: 4,
      agent: 'mine',
      tellMs: 1_000,
    });
    expect(Number(toldOf()['askMs'])).toBeGreaterThan(3_600_000);
    await startOf({ prompt: undefined });
    expect(toldOf()).toMatchObject({ otherwise: 'ask', askMs: 1_000 });
    expect(toldOf()).not.toHaveProperty('permission');
  });

  it.each([{ args: ['--pure'] }, { env: { OPENCODE_PURE: '1' } }])(
    'is strict where no plugin sees to it: %j',
    async (wish) => {
      const start = await startOf({ ...wish, permission: 'read' });
      expect(start.degraded).toContain('no policy holds');
      expect(JSON.parse(start.env['OPENCODE_PERMISSION'] ?? '')).toMatchObject({
        '*': 'deny',
        bash: 'deny',
        read: 'allow',
      });
    },
  );

  it('says that another process is not hooked', async () => {
    expect((await startOf({ args: ['--attach', 'http://localhost:4096'] })).degraded).toContain('another process');
  });
});
