/** Reads the files under argv[2] and parses each line: what every import has to do at least. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.argv[2] ?? '.';
let count = 0;
for (const name of globSync('**/*.jsonl', { cwd: dir })) {
  const bytes = readFileSync(join(dir, name));
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(10, start);
    const end = feed === -1 ? bytes.length : feed;
    if (end > start && typeof JSON.parse(bytes.toString('utf8', start, end)) === 'object') count += 1;
    start = end + 1;
  }
}
console.log(count);
