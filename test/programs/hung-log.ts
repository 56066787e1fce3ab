/** Logs to a FIFO that nobody reads, as on a disk that hangs, and ends with exit code 3 all the same. argv: the folder. */
import { endNow } from '../../src/pod/end-now.ts';
import { bestEffort } from '../../src/failopen/best-effort.ts';
import { Log } from '../../src/log/log.ts';

const logsDir = process.argv[2] ?? '';
const limits = { maxBytesPerPod: 1e9, maxBytesTotal: 1e9 };
const log = new Log({ logsDir, name: 'me', level: 'info', ...limits, fields: {}, clean: (text) => text });
log.write('info', 'hello');
const outcome = await bestEffort('log.flush', { withinMs: 200 }, () => log.flush());
log[Symbol.dispose]();
process.stdout.write(outcome.kind);
endNow(3);
