/** Ends the tree of a pod that died, perhaps from within it. Arguments: the kind as JSON, the session, a file for the number left. */
import { writeFileSync } from 'node:fs';
import { treeOf } from '../../src/pod/tree/open-tree.ts';
import type { TreeKind } from '../../src/pod/registry/pod-record.ts';

const [kind = '', session = '', file = ''] = process.argv.slice(2);
const tree = treeOf(JSON.parse(kind) as TreeKind, { session, sinceTicks: 0 });
const left = await tree.end({ graceMs: 0 });
await tree.remove();
writeFileSync(file, `${left}\n`);
