import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentWish, HookPlace } from '../adapter.ts';
import type { Fields } from '../read-fields.ts';
import { geminiAdapter } from './gemini-adapter.ts';

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
const MCP = {
  command: '/node',
  args: ['nika', 'mcp'],
  env: { NIKA_HOME: '/h' },
  inherit: ['A_KEY', 'NODE_OPTIONS', 'a-b'],
};

describe('geminiAdapter', () => {
  let dir = '';
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'nika-gemini-')), `it's "here"`);
    mkdirSync(dir);
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

  const startOf = (wish: Partial<AgentWish> = {}, more: Partial<HookPlace> = {}) => {
    const at = (name: string): string => join(dir, name);
    const place = { dir, url: '', token: '', socket: at('x.hook'), spool: at('spool'), mayAsk: false, mcp: undefined };
    return geminiAdapter.prepare({ ...WISH, ...wish }, { ...place, sessionId: 'an-id', ...more });
  };
  const argvOf = async (wish: Partial<AgentWish>): Promise<string> => (await startOf(wish)).argv.join(' ');
  const settingsOf = (): Fields => JSON.parse(readFileSync(join(dir, 'gemini-settings.json'), 'utf8')) as Fields;

  it('gives the prompt on standard input, an id of its own, and asks for events as JSON', async () => {
    const start = await startOf();
    expect(start.stdin).toBe('do it');
    expect(start.argv.join(' ')).toBe('gemini --output-format stream-json --session-id an-id --approval-mode yolo');
    expect(await argvOf({ permission: 'read', model: 'm', resume: 's' })).toBe(
      'gemini --output-format stream-json --resume s --model m --approval-mode plan',
    );
    expect(await argvOf({ permission: 'edit', args: ['-r', 'latest'] })).toBe(
      'gemini --output-format stream-json --approval-mode auto_edit -r latest',
    );
    expect(await argvOf({ prompt: undefined, permission: 'ask', args: ['hello'] })).toBe(
      'gemini --session-id an-id hello',
    );
    expect(await argvOf({ prompt: undefined, args: ['mcp', 'list'] })).toBe('gemini mcp list');
  });

  it('trusts the folder for full permission alone, where nobody said otherwise', async () => {
    expect((await startOf()).env['GEMINI_CLI_TRUST_WORKSPACE']).toBe('true');
    expect((await startOf({ permission: 'edit' })).env).not.toHaveProperty('GEMINI_CLI_TRUST_WORKSPACE');
    const env = { ...WISH.env, GEMINI_CLI_TRUST_WORKSPACE: 'false' };
    expect((await startOf({ env })).env).not.toHaveProperty('GEMINI_CLI_TRUST_WORKSPACE');
    expect((await startOf({ prompt: undefined })).env).not.toHaveProperty('GEMINI_CLI_TRUST_WORKSPACE');
  });

  it('writes hooks without a name, in milliseconds, and its tools with the names of what they need', async () => {
    await startOf({ maxTurns: 5 }, { mayAsk: true, mcp: MCP });
    const { hooks, hooksConfig, mcpServers, model } = settingsOf() as Readonly<Record<string, Fields>>;
    expect([hooksConfig, model]).toEqual([{ enabled: true }, { maxSessionTurns: 5 }]);
    expect(Object.keys(hooks ?? {})).not.toContain('PreCompress');
    expect(hooks?.['AfterTool']).toEqual([
      { hooks: [{ type: 'command', command: expect.stringMatching(/hook\.sh' AfterTool 1$/), timeout: 2_500 }] },
    ]);
    expect(JSON.stringify(hooks?.['BeforeTool'])).toContain('"timeout":86401500');
    expect(mcpServers?.['nika']).toEqual({
      command: '/node',
      args: ['nika', 'mcp'],
      env: { NIKA_HOME: '/h', A_KEY: '$A_KEY' },
      trust: true,
    });
  });

  it('does not take for the system what is not of root alone, as Gemini CLI does not', async () => {
    const system = join(dir, 'system.json');
    writeFileSync(system, '{"hooks":{"BeforeTool":[{"hooks":[]}]}}', { mode: 0o666 });
    const { env } = await startOf({ env: { ...WISH.env, GEMINI_CLI_SYSTEM_SETTINGS_PATH: system } });
    expect((settingsOf()['hooks'] as Fields)['BeforeTool']).toHaveLength(1);
    expect(env['GEMINI_CLI_SYSTEM_DEFAULTS_PATH']).toBe(join(dir, 'system-defaults.json'));
  });

  it('looks as if it were of root to Gemini CLI, and to what that starts nothing is different', async () => {
    const { env } = await startOf({ env: { ...WISH.env, NODE_OPTIONS: '--no-deprecation' } });
    expect(env['NODE_OPTIONS']).toMatch(/^--no-deprecation --require "/);
    const code = `
      import { statSync } from 'node:fs';
      const path = process.env.GEMINI_CLI_SYSTEM_SETTINGS_PATH;
      const told = [path, ${JSON.stringify(tmpdir())}, process.execPath].map((at) => [statSync(at).uid, statSync(at).mode & 0o022]);
      console.log(JSON.stringify({ told, options: process.env.NODE_OPTIONS }));
    `;
    const run = () =>
      JSON.parse(
        execFileSync(process.execPath, ['--input-type=module', '-e', code], { env: { ...env }, encoding: 'utf8' }),
      ) as { told: readonly unknown[]; options: string };
    const own = statSync(process.execPath);
    expect(run()).toEqual({
      told: [
        [0, 0],
        [0, 0],
        [own.uid, own.mode & 0o022],
      ],
      options: '--no-deprecation',
    });
  });

  it('says what keeps hooks from the pod', async () => {
    expect((await startOf()).degraded).toBeUndefined();
    expect((await startOf({ args: ['--sandbox'] })).degraded).toContain('sandbox');
    expect((await startOf({ env: { PATH: '/nowhere' } })).degraded).toContain('no policy holds');
  });
});
