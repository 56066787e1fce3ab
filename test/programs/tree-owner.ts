/**
 * A supervisor of a pod, as far as its tree goes: opens it, runs a script in it and waits.
 * Arguments: `foreground` or `detached`, `cgroup` or `process table`, its session, the script.
 */
import { leaveParentTree } from '../../src/pod/tree/cgroup.ts';
import { openTree } from '../../src/pod/tree/open-tree.ts';

const [place, kind, session = '', script = ''] = process.argv.slice(2);
const left = place === 'detached' ? leaveParentTree().kind : 'stayed';
const tree = openTree({ session, allowCgroup: kind === 'cgroup', env: process.env });
const env = { PATH: process.env['PATH'] ?? '' };
tree.spawn({ file: '/bin/sh', args: ['-c', script], cwd: '/', env }, { stdio: 'ignore', detached: true });
console.log(JSON.stringify({ kind: tree.kind, left, pid: process.pid }));
setInterval(() => undefined, 1_000);
