import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { binary } from '../nika.ts';
import { ServiceHome } from '../service-home.ts';

/** A disk of 4 MB under run/, in a mount namespace of its own; each `nika` tells what it said and its exit code. */
const SCRIPT = `
mount -t tmpfs -o size=4m tmpfs "$1/run" || exit 99
cd "$1" && export NIKA_HOME="$1"
say() { node=$1; shift; binary=$1; shift; echo "== $*"; "$node" "$binary" "$@" 2>&1; echo "exit $?"; }
fill() { dd if=/dev/zero of=run/ballast bs=4k 2>/dev/null; }
say "$2" "$3" up --redis
fill; say "$2" "$3" down --redis; say "$2" "$3" down --redis; say "$2" "$3" up --status --redis; say "$2" "$3" up --redis
rm run/ballast; say "$2" "$3" up --redis
mount --bind run run && mount -o remount,bind,ro run || exit 98
cd "$1"
say "$2" "$3" down --redis; say "$2" "$3" down --redis; say "$2" "$3" up --redis
`;

const onSmallDisk = (home: ServiceHome): readonly string[] => {
  mkdirSync(join(home.home.dir, 'run'));
  const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const args = ['--mount', ...userNamespace, 'sh', '-c', SCRIPT, 'sh', home.home.dir, process.execPath, binary];
  return execFileSync('unshare', args, { encoding: 'utf8' }).split('== ').slice(1);
};

it('ends on a full disk, and then on a read-only one, says which it was, and is not ended twice', async () => {
  await using home = new ServiceHome();
  const [up, down, again, status, full, anew, downReadOnly, againReadOnly, readOnly] = onSmallDisk(home);
  expect(up).toMatch(/✓ {2}redis[^]*exit 0/);
  expect(down).toMatch(/^down --redis\n✓ redis ended in .*; its data stay\nexit 0\n$/);
  expect(again).toBe('down --redis\n– redis does not run\nexit 0\n');
  expect(status).toMatch(/redis +– not running[^]*exit 0/);
  expect(full).toMatch(/redis does not serve: .*ENOSPC[^]*The disk that holds .*run is full: make room[^]*exit 1/);
  expect(anew).toMatch(/✓ {2}redis[^]*exit 0/);
  expect(downReadOnly).toMatch(
    /✓ redis ended in [^]*redis ended; its note could not be written \(.*EROFS\)[^]*read-only: make it writable[^]*exit 0/,
  );
  expect(againReadOnly).toBe('down --redis\n– redis does not run\nexit 0\n');
  expect(readOnly).toMatch(/redis does not serve: .*EROFS[^]*is read-only[^]*exit 1/);
  expect(home.servers('redis')).toEqual([]);
});
