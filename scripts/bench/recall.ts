/**
 * How well memory finds: recall@5 and MRR of the sparse way beside Qdrant's own text index and MiniSearch, over the git
 * history of this repository made into sessions; the numbers that its settings were chosen by; and what encoding takes.
 * `node scripts/bench/recall.ts TRANSCRIPT.jsonl` asks a Claude transcript for its tool calls besides.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import MiniSearch from 'minisearch';
import { documentOf } from '../../src/memory/document.ts';
import { BM25, encodeDocument, SparseEncoder } from '../../src/memory/encode/sparse.ts';
import { Tokenizer } from '../../src/memory/encode/tokenizer.ts';
import { fixed, machine, median, row } from './figures.ts';
import { gitSessions, type LabelledQuestion } from './git-sessions.ts';
import { openQdrantRanking } from './qdrant-ranking.ts';
import { PLACES, qualityOf, sparseHits, sparseSearch, type Document, type Search } from './ranking.ts';
import { transcriptCalls } from './transcript-calls.ts';

/** The history up to here is the corpus: the same for everybody who has it. */
const REVISION = '32a23f4';
const repository = join(import.meta.dirname, '../..');

type Questions = readonly LabelledQuestion[];

const kindsOf = (questions: Questions): readonly LabelledQuestion['kind'][] => [
  ...new Set(questions.map(({ kind }) => kind)),
];

const report = async (name: string, search: Search, questions: Questions): Promise<void> => {
  const cells: string[] = [];
  const kinds = kindsOf(questions);
  for (const kind of kinds.length === 1 ? [undefined] : [undefined, ...kinds]) {
    const asked = kind === undefined ? questions : questions.filter((one) => one.kind === kind);
    const { recall, mrr } = await qualityOf(search, asked);
    cells.push(fixed(recall, 3), fixed(mrr, 3));
  }
  row(name, cells);
};

const head = (questions: Questions): void => {
  const kinds = kindsOf(questions);
  const names = kinds.length === 1 ? ['all'] : ['all', ...kinds];
  row(
    '',
    names.flatMap((name) => [`recall@5, ${name}`, `MRR, ${name}`]),
  );
  row(
    '---',
    names.flatMap(() => ['---', '---']),
  );
};

/** Qdrant's scores are of 32 bits, ours of 64. */
const compare = async (documents: readonly Document[], questions: Questions): Promise<void> => {
  await using qdrant = await openQdrantRanking(documents);
  if (qdrant === undefined) return console.log('No Qdrant here: left out.');
  await report('Qdrant, our vectors', async (words) => (await qdrant.sparse(words)).map(({ id }) => id), questions);
  await report('Qdrant, text index, all words', qdrant.allWords, questions);
  await report('Qdrant, text index, any word', qdrant.anyWord, questions);
  const ours = sparseHits(documents, new SparseEncoder());
  let differing = 0;
  let furthest = 0;
  for (const { words } of questions) {
    const its = await qdrant.sparse(words);
    for (const [n, { score }] of ours(words).entries())
      furthest = Math.max(furthest, Math.abs(score - (its[n]?.score ?? 0)));
    if (ours(words)[0]?.id !== its[0]?.id) differing += 1;
  }
  console.log(
    `\nIn process and in Qdrant: another first one for ${differing} questions; scores differ by ${furthest.toExponential(1)} at most.`,
  );
};

const miniSearch = (documents: readonly Document[]): Search => {
  const mini = new MiniSearch<Document>({ fields: ['text'] });
  mini.addAll(documents);
  return (words) =>
    mini
      .search(words)
      .slice(0, PLACES)
      .map(({ id }) => String(id));
};

const judge = async (title: string, documents: readonly Document[], questions: Questions): Promise<void> => {
  console.log(`\n### ${title}: ${documents.length} documents, ${questions.length} questions\n`);
  head(questions);
  await report('nika', sparseSearch(documents, new SparseEncoder()), questions);
  const plain = new SparseEncoder(BM25, new Tokenizer({ stems: false }));
  await report('nika, without stems', sparseSearch(documents, plain), questions);
  await report('MiniSearch 7.2.0', miniSearch(documents), questions);
  await compare(documents, questions);
};

const settings = async (documents: readonly Document[], questions: Questions): Promise<void> => {
  console.log('\n### Settings\n');
  head(questions);
  for (const k1 of [0.9, 1.2, 1.6, 2])
    for (const b of [0.4, 0.75, 0.9])
      await report(`k1 ${k1}, b ${b}`, sparseSearch(documents, new SparseEncoder({ ...BM25, k1, b })), questions);
  for (const averageLength of [50, 100, 150, 200, 300])
    await report(
      `average ${averageLength}`,
      sparseSearch(documents, new SparseEncoder({ ...BM25, averageLength })),
      questions,
    );
};

/** The clock of the processor has steps of up to some milliseconds. */
const TIMES = 10;

const speed = (documents: readonly Document[]): void => {
  console.log('\n### What encoding takes\n');
  row('', ['processor µs, median', 'least', 'tokens kept', 'JSON bytes']);
  row('---', ['---', '---', '---', '---']);
  const all = documents.map(({ text }) => text).join('\n');
  for (const chars of [600, 1_000, 6_000]) {
    const texts = Array.from({ length: 200 }, (_, n) => all.slice(n * 1_000, n * 1_000 + chars));
    const rounds = Array.from({ length: 40 }, () => {
      const before = process.cpuUsage();
      for (let n = 0; n < TIMES; n += 1) for (const text of texts) encodeDocument(text);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / texts.length / TIMES;
    });
    const vectors = texts.map(encodeDocument);
    const mean = (sizes: readonly number[]): string =>
      fixed(sizes.reduce((sum, size) => sum + size, 0) / sizes.length, 0);
    const tokens = mean(vectors.map(({ indices }) => indices.length));
    const bytes = mean(vectors.map((vector) => JSON.stringify(vector).length));
    row(`${chars} characters`, [fixed(median(rounds)), fixed(Math.min(...rounds)), tokens, bytes]);
  }
};

const hasRevision = spawnSync('git', ['-C', repository, 'cat-file', '-e', `${REVISION}^{commit}`]).status === 0;
const sessions = gitSessions(repository, hasRevision ? REVISION : 'HEAD');
const documents = sessions.map(({ line }) => ({ id: line.id, text: documentOf(line).text }));
const questions = sessions.flatMap((session) => session.questions);
console.log(machine());
await judge(
  `Sessions of the git history${hasRevision ? '' : ' (another one than in docs/benchmarks.md)'}`,
  documents,
  questions,
);
await settings(documents, questions);
speed(documents);
const [transcript] = process.argv.slice(2);
if (transcript !== undefined) {
  const calls = transcriptCalls(transcript);
  await judge('Tool calls of a transcript', calls.documents, calls.questions);
}
