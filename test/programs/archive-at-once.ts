/** Says that it begins, then archives the bus at argv[2] (run folder argv[3]) once; channels need not be old. */
import { archiveBus } from '../../src/bus/archive.ts';

const [, , busDir = '', runDir = ''] = process.argv;
process.stdout.write('begins\n');
const { signal } = new AbortController();
try {
  const outcome = await archiveBus({ busDir, runDir, olderThanDays: 0, signal });
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
} catch (thrown) {
  process.stdout.write(`failed: ${String(thrown)}\n`);
}
