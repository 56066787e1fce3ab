import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { mkdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binary, TestHome } from '../nika.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => {
  home[Symbol.dispose]();
});

describe('a call that is not as it should be', () => {
  it('is answered with what was probably meant', async () => {
    const listed = await home.nika('pod', 'lst');
    expect(listed).toMatchObject({ code: 2, stdout: '' });
    const before = await home.nika('--home', home.dir, 'tree');
    expect(before.code).toBe(2);
    expect(before.stderr).toContain(`Options stand behind the command: nika tree --home ${home.dir}`);
    expect((await home.nika('run', 'repo-audit')).stderr).toContain('Did you mean nika pod start repo-audit?');
  });

  it('is told which file --against wants', async () => {
    const { code, stderr } = await home.nika('bus', 'verify', '--against', 'nope');
    expect(code).toBe(2);
    expect(stderr).toContain('nope cannot be read: it is not there');
    expect(stderr).toContain('"nika bus heads --json > FILE" makes one');
  });

  it('names commands as npx users have to type them', async () => {
    const { stderr } = await home.start(['pod', 'start', 'nope'], { npm_command: 'exec' }).ended;
    expect(stderr).toContain('Run "npx nika job list"');
  });

  it('warns of a setting that is misspelt in the environment', async () => {
    const { code, stderr } = await home.start(['tree'], { NIKA_BUS_SEGMNT_BYTES: '1MiB' }).ended;
    expect(code).toBe(0);
    expect(stderr).toContain('NIKA_BUS_SEGMNT_BYTES, which nika does not know; did you mean NIKA_BUS_SEGMENT_BYTES?');
  });
});

it.each([['version'], ['-v'], ['-V'], ['--version']])('nika %s prints the version', async (argument) => {
  expect(await home.nika(argument)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

it('says in one sentence that the folder it is called in was removed, and exits 2', () => {
  const gone = join(home.dir, 'gone');
  mkdirSync(gone);
  const script = `cd "$1" && rmdir "$1" && exec "$2" "$3" tree`;
  const { status, stderr, stdout } = spawnSync('/bin/sh', ['-c', script, 'sh', gone, process.execPath, binary], {
    encoding: 'utf8',
  });
  rmSync(gone, { recursive: true, force: true });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe('nika: the folder you are in was removed: go to one that is there, such as your own (cd)\n');
});
