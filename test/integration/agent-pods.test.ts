/** Agents as pods, with a program in the place of the CLI: what nika does by itself. The real ones: `test/agents/`. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';

const KEY = 'no-key-of-anyone-but-of-a-test';

describe('an agent as a pod', () => {
  let home: TestHome;
  let path = '';
  beforeEach(() => {
    home = new TestHome();
    mkdirSync(join(home.dir, 'bin'));
    path = `${join(home.dir, 'bin')}:${process.env['PATH']}`;
  });
  afterEach(() => home[Symbol.dispose]());

  /** A `claude` of `sh` that gets the settings of its hooks as the real one does. */
  const claude = (script: string): void => {
    const file = join(home.dir, 'bin/claude');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  };

  const run = (args: readonly string[], env = {}) => home.start(args, { PATH: path, ...env }).ended;

  it('says which command installs an agent that is not there, before anything is written', async () => {
    const { code, stderr } = await home.start(['pod', 'start', 'claude', 'go'], { PATH: '/usr/bin:/bin' }).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('npm install -g @anthropic-ai/claude-code')]);
    expect(existsSync(join(home.dir, '_bus'))).toBe(false);
  });

  it('takes the words behind the name of the job as its prompt, and standard input for "-"', async () => {
    claude('cat >prompt; echo "{\\"type\\":\\"result\\",\\"subtype\\":\\"success\\",\\"result\\":\\"done\\"}"');
    const { code, stdout } = await run(['pod', 'start', 'claude', 'fix', 'the test', '-q']);
    expect([code, stdout]).toEqual([0, 'done\n']);
    expect(readFileSync(join(home.cwd, 'prompt'), 'utf8')).toBe('fix the test');
    const none = await run(['pod', 'start', 'claude']);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('prompt: is missing')]);
    const audit = await run(['pod', 'start', 'repo-audit', 'hello']);
    expect([audit.code, audit.stderr]).toEqual([2, expect.stringContaining('has no input "prompt"')]);
  });

  it('keeps the keys of providers from hooks and from the record, however the agent shows them (G7)', async () => {
    claude(
      `cat >/dev/null; echo "key: $ANTHROPIC_API_KEY" >&2
       curl -s --unix-socket "\${NIKA_SOCKET%.sock}.hook" http://nika/hook/PreToolUse \\
         -d '{"tool_name":"Bash","tool_use_id":"a","tool_input":{"command":"ls"}}'
       echo "{\\"type\\":\\"result\\",\\"subtype\\":\\"success\\",\\"result\\":\\"I have $ANTHROPIC_API_KEY here\\"}"`,
    );
    writeFileSync(join(home.dir, 'config/nika.yaml'), `hooks: { pre: [{ command: 'env >${home.dir}/seen' }] }\n`);
    const { code } = await run(['pod', 'start', 'claude', 'go', '-q'], { ANTHROPIC_API_KEY: KEY });
    expect(code).toBe(0);
    const seenByHook = readFileSync(join(home.dir, 'seen'), 'utf8');
    expect(seenByHook).toContain('NIKA_SESSION_ID=');
    expect(seenByHook).not.toContain(KEY);
    const bus = JSON.stringify(home.channels);
    expect(bus).toContain('I have');
    expect(bus).not.toContain(KEY);
    const { session_id: session } = home.alpha[0]?.meta ?? {};
    for (const stream of ['stdout', 'stderr']) {
      expect(readFileSync(join(home.dir, `logs/${String(session)}.${stream}`), 'utf8')).not.toContain(KEY);
    }
  });

  it('fails with the end of what the agent said, and its exit code, where it has no result', async () => {
    claude('echo "Invalid API key" >&2; exit 7');
    const { code, stdout } = await run(['pod', 'start', 'claude', 'go']);
    expect(code).toBe(7);
    expect(stdout).toContain('claude ended without a result (exit code 7)');
    expect(stdout).toContain('Invalid API key');
  });

  it('gives an agent its own screen with nika run: arguments, streams and exit code are its own', async () => {
    claude(
      'echo "args: $*" | sed "s/--mcp-config [^ ]*/--mcp-config FILE/; s/--settings [^ ]*/--settings FILE/; s/[0-9a-f-]\\{36\\}/ID/"; exit 3',
    );
    const { code, stdout } = await run(['run', 'claude', '--verbose', 'hello there']);
    expect([code, stdout]).toEqual([
      3,
      'args: --mcp-config FILE --settings FILE --session-id ID --verbose hello there\n',
    ]);
    const version = await run(['run', 'claude', '--version']);
    expect([version.code, version.stdout]).toEqual([3, 'args: --version\n']);
  });

  it('runs its agent with hooks where nothing of the home can be made, and ends (G1)', async () => {
    claude(
      'cat >/dev/null; cat "$6" >settings; echo "{\\"type\\":\\"result\\",\\"subtype\\":\\"success\\",\\"result\\":\\"ok\\"}"',
    );
    const { code, stdout } = await run(['pod', 'start', 'claude', 'go', '-q'], { NIKA_HOME: '/proc/none' });
    expect([code, stdout]).toEqual([0, 'ok\n']);
    expect(readFileSync(join(home.cwd, 'settings'), 'utf8')).toContain('mcpServers');
  });

  it('leaves nothing of a run behind: neither its settings, nor its sockets', async () => {
    claude('cat >/dev/null; ls -d "$NIKA_HOME"/run/agents/* >listed; exit 0');
    await run(['pod', 'start', 'claude', 'go']);
    const [dir = ''] = readFileSync(join(home.cwd, 'listed'), 'utf8').split('\n');
    expect(dir).toContain('run/agents/');
    expect(existsSync(dir)).toBe(false);
  });
});
