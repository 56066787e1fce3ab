import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { recordOf, until } from '../pods.ts';

const ownName = `nika-${process.getuid?.() ?? 0}`;

it("compiled code is kept in a folder of one's own, by commands and by pods in the background", async () => {
  using home = new TestHome();
  const go = join(home.dir, 'go');
  home.job('one', `  - { tool: shell, input: { command: "until [ -e ${go} ]; do sleep 0.02; done" } }`);
  const tmp = join(home.dir, 'tmp');
  mkdirSync(tmp);
  const kept = (): number => {
    const dir = join(tmp, ownName, 'code');
    return existsSync(dir) ? readdirSync(dir, { recursive: true }).length : 0;
  };
  await home.start(['--version'], { TMPDIR: tmp }).ended;
  const ofCommand = kept();
  expect(ofCommand).toBeGreaterThan(0);
  await home.start(['pod', 'start', 'one', '-d', '--id', 'JOB-one'], { TMPDIR: tmp }).ended;
  const ofStart = kept();
  writeFileSync(go, '');
  await until('the pod to end', () => recordOf(home, 'JOB-one')?.end?.status === 'completed');
  await until('its supervisor to have kept more', () => kept() > ofStart);
});

it.each([
  [
    'that others may write',
    (folder: string) => {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    },
  ],
  [
    'that is a link',
    (folder: string) => {
      mkdirSync(`${folder}-else`);
      chmodSync(`${folder}-else`, 0o777);
      symlinkSync(`${folder}-else`, folder);
    },
  ],
] as const)('a folder %s is not used for it', async (_what, make) => {
  using home = new TestHome();
  const tmp = join(home.dir, 'tmp');
  mkdirSync(tmp);
  make(join(tmp, ownName));
  expect((await home.start(['--version'], { TMPDIR: tmp }).ended).code).toBe(0);
  expect(readdirSync(join(tmp, ownName))).toEqual([]);
  expect(existsSync(join(tmp, 'node-compile-cache'))).toBe(false);
});
