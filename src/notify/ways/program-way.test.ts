import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noticeFixture } from '../../../test/fixtures/notice.ts';
import { running } from '../../../test/pods.ts';
import type { SendOutcome } from './outcome.ts';
import { desktopArgv, tryCommand, tryDesktop } from './program-way.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-way-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const { signal } = new AbortController();
const PATH = process.env['PATH'] ?? '';
const notice = noticeFixture();

const shell = (command: string, env: Readonly<Record<string, string>> = {}, withinMs = 10_000): Promise<SendOutcome> =>
  tryCommand(['/bin/sh', '-c', command], { notice, withinMs }, { env: { PATH, ...env }, dir }, signal);

describe('a command', () => {
  it('reads the notification as JSON, finds the gist in its environment, and runs in the home', async () => {
    expect(await shell('cat >told; env >env')).toEqual({ kind: 'sent' });
    expect(JSON.parse(readFileSync(join(dir, 'told'), 'utf8'))).toEqual(notice);
    const env = readFileSync(join(dir, 'env'), 'utf8');
    expect(env).toMatch(/^NIKA_NOTIFY_TITLE=build waits for permission$/m);
    expect(env).toMatch(/^NIKA_NOTIFY_REASON=permission$/m);
    expect(env).toMatch(/^NIKA_HOME=\/srv\/nika$/m);
  });

  it('is given no key of a provider, and nothing by which it would belong to a pod', async () => {
    const given = { ANTHROPIC_API_KEY: 'sk-1', NIKA_TREE: 'x', NIKA_SESSION_ID: 'x', NIKA_SOCKET: 'x', HOOK: 'kept' };
    await shell('env >env', given);
    const env = readFileSync(join(dir, 'env'), 'utf8');
    expect(env).toContain('HOOK=kept');
    expect(env).not.toMatch(/sk-1|^NIKA_(TREE|SESSION_ID|SOCKET)=/m);
  });

  it.each([
    ['true', { kind: 'sent' }],
    ['exit 75', { kind: 'failed', why: 'exit code 75' }],
    ['echo one >&2; echo two >&2; exit 3', { kind: 'refused', why: 'exit code 3: two' }],
    ['kill -SEGV $$', { kind: 'refused', why: 'killed by SIGSEGV' }],
    ['no-such-program', { kind: 'refused', why: expect.stringMatching(/^exit code 127: .*not found/) }],
    ['yes | head -c 10000000 >&2; exec yes', { kind: 'refused', why: 'it did not end within 1 s' }],
  ] as readonly (readonly [string, SendOutcome])[])('%s: %j', async (command, outcome) => {
    expect(await shell(command, {}, command.includes('exec') ? 1_000 : 10_000)).toEqual(outcome);
  });

  it('that hangs is ended at its time limit, with all that it started', async () => {
    const marker = `62${process.pid}`;
    expect(await shell(`sleep ${marker} & sleep ${marker}`, {}, 200)).toMatchObject({ kind: 'refused' });
    expect(running(`sleep\0${marker}`)).toEqual([]);
  });
});

describe('the desktop', () => {
  it('is told by notify-send, which takes no word for an option or for markup', async () => {
    const program = join(dir, 'notify-send');
    writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$@" >told\n');
    chmodSync(program, 0o755);
    const place = { env: { PATH: `${dir}:${PATH}` }, dir };
    expect(await tryDesktop({ notice, withinMs: 5_000 }, place, signal)).toEqual({ kind: 'sent' });
    expect(readFileSync(join(dir, 'told'), 'utf8').split('\n')).toEqual([
      '--app-name=nika',
      '--urgency=normal',
      '--',
      'build waits for permission',
      'asks: shell make &lt;deploy&gt; &amp; more',
      'nika pod allow k3f9',
      '',
    ]);
  });

  it('is none where there is no notify-send: that is said, with what helps', async () => {
    const outcome = await tryDesktop({ notice, withinMs: 5_000 }, { env: { PATH: dir }, dir }, signal);
    expect(outcome).toEqual({ kind: 'refused', why: expect.stringContaining('libnotify-bin') });
  });

  it('of macOS is given the words as arguments of a script, never as a part of it', () => {
    const evil = noticeFixture({ title: '" & do shell script "id" & "', text: 'x' });
    const argv = desktopArgv(evil, 'darwin');
    expect(argv[0]).toBe('osascript');
    expect(argv.slice(-2)).toEqual([evil.title, 'x']);
    expect(argv.slice(0, -2).join(' ')).not.toContain('do shell script');
  });
});
