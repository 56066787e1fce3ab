import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';

const MINE = `{
    // what I like
    "model": "opus",
    "hooks": {
        "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }]
    },
}
`;

describe('nika hooks', () => {
  let home: TestHome;
  let settings = '';
  beforeEach(() => {
    home = new TestHome();
    mkdirSync(join(home.dir, '.claude'));
    settings = join(home.dir, '.claude/settings.json');
  });
  afterEach(() => home[Symbol.dispose]());

  const statusOf = async (agent: string): Promise<readonly unknown[]> => {
    const { stdout } = await home.nika('hooks', 'status', agent, '--json');
    const { agents } = JSON.parse(stdout) as { agents: { scope: string; state: string }[] };
    return agents.map(({ scope, state }) => `${scope} ${state}`);
  };

  it('adds its own entries beside those of the user, and takes them out again, byte for byte', async () => {
    writeFileSync(settings, MINE, { mode: 0o640 });
    const dry = await home.nika('hooks', 'install', 'claude', '--dry-run');
    expect(dry.stdout).toContain('nika-hook.sh');
    expect(readFileSync(settings, 'utf8')).toBe(MINE);
    expect(await statusOf('claude')).toEqual(['user absent', 'project absent']);

    const installed = await home.nika('hooks', 'install', 'claude');
    expect([installed.code, installed.stderr]).toEqual([0, '']);
    const after = readFileSync(settings, 'utf8');
    expect(after).toContain('// what I like');
    expect(after).toContain('"command": "say done"');
    expect(statSync(settings).mode & 0o777).toBe(0o640);
    expect(await statusOf('claude')).toEqual(['user installed', 'project absent']);

    expect((await home.nika('hooks', 'install', 'claude')).stdout).toContain('was installed already');
    expect(readFileSync(settings, 'utf8')).toBe(after);
    await home.nika('hooks', 'uninstall', 'claude');
    expect(readFileSync(settings, 'utf8')).toBe(MINE);
    expect((await home.nika('hooks', 'uninstall', 'claude')).stdout).toContain('was not installed');
  });

  it('takes out only its own where the user changed the file meanwhile', async () => {
    writeFileSync(settings, MINE);
    await home.nika('hooks', 'install', 'claude');
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('opus', 'sonnet'));
    await home.nika('hooks', 'uninstall', 'claude');
    const after = readFileSync(settings, 'utf8');
    expect(after).toContain('"model": "sonnet"');
    expect(after).toContain('say done');
    expect(after).not.toContain('nika');
    expect(after).not.toContain('PreToolUse');
  });

  it.each(['codex', 'gemini', 'opencode', 'cursor'])(
    'makes the file of %s where there is none, and removes it',
    async (agent) => {
      await home.nika('hooks', 'install', agent, '--scope', 'project');
      expect(await statusOf(agent)).toEqual(['user absent', 'project installed']);
      const { stdout } = await home.nika('hooks', 'uninstall', agent, '--scope', 'project', '--json');
      const { file } = JSON.parse(stdout) as { file: string };
      expect(file.startsWith(home.cwd)).toBe(true);
      expect(existsSync(file)).toBe(false);
    },
  );

  it('leaves a hook that the user put beside its own', async () => {
    await home.nika('hooks', 'install', 'claude');
    const value = JSON.parse(readFileSync(settings, 'utf8')) as { hooks: { Stop: { hooks: unknown[] }[] } };
    value.hooks.Stop[0]?.hooks.push({ type: 'command', command: 'say done' });
    writeFileSync(settings, JSON.stringify(value));
    await home.nika('hooks', 'uninstall', 'claude');
    expect(JSON.parse(readFileSync(settings, 'utf8'))).toEqual({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: 'say done' }] }] },
    });
  });

  it('writes through a link, and says where a file cannot be understood, without touching it', async () => {
    const real = join(home.dir, 'dotfiles.json');
    writeFileSync(real, '{}\n');
    symlinkSync(real, settings);
    await home.nika('hooks', 'install', 'claude');
    expect(readFileSync(real, 'utf8')).toContain('nika-hook.sh');
    writeFileSync(real, '{\n  "hooks": [}\n');
    const { code, stderr } = await home.nika('hooks', 'install', 'claude');
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${settings}:2:13`)]);
    expect(readFileSync(real, 'utf8')).toBe('{\n  "hooks": [}\n');
    expect(await statusOf('claude')).toEqual(['user unreadable', 'project absent']);
  });

  it('knows which agents there are', async () => {
    const { code, stderr } = await home.nika('hooks', 'install', 'vim');
    expect([code, stderr]).toEqual([2, expect.stringContaining('claude-code, codex, gemini, opencode, cursor')]);
    expect((await home.nika('hooks', 'install', 'claude', '--scope', 'team')).stderr).toContain('user or project');
  });
});
