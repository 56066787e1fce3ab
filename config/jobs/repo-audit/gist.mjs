/** Makes the gist: reads what the analyses told, one line of JSON each, and prints three lines. */
import { readAudit } from './report/audit.mjs';
import { gistOf } from './report/gist.mjs';

process.stdout.write(`${gistOf(await readAudit())}\n`);
