/**
 * A scripted model to try an agent with by hand: `node test/programs/scripted-model.ts script.json` prints its URL, plays the
 * script, and at Ctrl-C tells which calls it made.
 */
import { readFileSync } from 'node:fs';
import { ModelServer } from '../servers/model/server.ts';
import type { Script } from '../servers/model/script.ts';

const [path = ''] = process.argv.slice(2);
const model = await ModelServer.open(JSON.parse(readFileSync(path, 'utf8')) as Script);
console.log(model.url);
process.once('SIGINT', () => {
  for (const call of model.calls) console.log(JSON.stringify({ ...call, result: model.results.get(call.id) }));
  process.exit(0);
});
