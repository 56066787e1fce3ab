/** Claims a path by each line of its standard input (`<round> <path>`, or `release <path>`), and says what came of it. */
import { createInterface } from 'node:readline';
import { ClaimBoard } from '../../src/mcp/claims/claim-board.ts';
import { thisPodProcess } from '../../src/pod/registry/pod-status.ts';

const [runDir = '', name = ''] = process.argv.slice(2);
const board = new ClaimBoard(runDir);
const holder = { key: name, name, session: null, process: thisPodProcess() };
const never = new AbortController().signal;

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', path = ''] = line.split(' ');
  if (word === 'release') {
    console.log(`released ${board.release(path, holder).length}`);
    continue;
  }
  const outcome = await board.claim({ path, ttlMs: 60_000, why: `round ${word}`, holder }, never);
  console.log(`${word} ${outcome.kind}`);
}
