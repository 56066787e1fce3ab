import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { binary, TestHome } from '../nika.ts';

/** A disk of 2 MB under run/, in a mount namespace of its own; each `nika` tells what it said and its exit code. */
const SCRIPT = `
mount -t tmpfs -o size=2m tmpfs "$1/run" || exit 99
cd "$1" && export NIKA_HOME="$1" node="$2" binary="$3" sender="notify-worker[.][jt]s $1"
say() { echo "== $*"; "$node" "$binary" "$@" 2>&1; echo "exit $?"; }
gone() { while pgrep -f "$sender" >/dev/null; do sleep 0.05; done; }
sent() { while ls run/notify/msg_* >/dev/null 2>&1; do sleep 0.05; done; gone; }
tried() { while [ "$(wc -l <tries)" -lt "$1" ]; do sleep 0.05; done; }
say run -- true; sent
dd if=/dev/zero of=run/ballast bs=4k 2>/dev/null
say run -- true
rm run/ballast
say doctor
echo 75 >code
say run -- true; tried 2
pkill -9 -f "$sender"; gone
mount --bind run run && mount -o remount,bind,ro run || exit 98
cd "$1"
say pod ls; gone
mount -o remount,bind,rw run; echo 0 >code
say pod ls; tried 3; sent
say doctor
`;

const onSmallDisk = (home: TestHome): readonly string[] => {
  mkdirSync(join(home.dir, 'run'));
  const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const args = ['--mount', ...userNamespace, 'sh', '-c', SCRIPT, 'sh', home.dir, process.execPath, binary];
  const env = { PATH: process.env['PATH'], HOME: home.dir };
  return execFileSync('unshare', args, { encoding: 'utf8', env }).split('== ').slice(1);
};

it('G1, G3: a full disk holds no pod and is counted; on a read-only one nobody is told again and again', () => {
  using home = new TestHome();
  writeFileSync(join(home.dir, 'code'), '0\n');
  const command = 'echo "$NIKA_NOTIFY_ON" >>tries; exit "$(cat code)"';
  writeFileSync(join(home.dir, 'config/nika.yaml'), `notify: [{ on: [finished], command: '${command}' }]\n`);
  const [first, full, doctor, later, readOnly, again, after] = onSmallDisk(home);
  expect(first).toBe('run -- true\nexit 0\n');
  expect(full).toMatch(/1 notification was lost: nobody was told[^]*exit 0\n$/);
  expect(doctor).toMatch(/! 1 notification dropped within 7 days; the last: finished:JOB-\S+ \(ENOSPC, /);
  expect([later, readOnly, again].map((text) => /exit (\d)\n$/.exec(text ?? '')?.[1])).toEqual(['0', '0', '0']);
  expect(after).toMatch(/✓ command echo .*: finished; 2 sent/);
  // Sent; tried, and killed; then, when the disk took its count again, sent.
  expect(readFileSync(join(home.dir, 'tries'), 'utf8')).toBe('finished\n'.repeat(3));
});
