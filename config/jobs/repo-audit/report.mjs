/** Makes the report: reads what the analyses told, one line of JSON each, and prints Markdown. */
import { missingSections, readAudit } from './report/audit.mjs';
import { dependenciesPart } from './report/dependencies-part.mjs';
import { historyPart } from './report/history-part.mjs';
import { list, paragraphs, text } from './report/markdown.mjs';
import { aboutPart, firstPart, sizePart } from './report/overview-part.mjs';
import { housePart, notesPart, secretsPart, testsPart } from './report/risks-part.mjs';

/** @import { Audit } from './report/audit.mjs' */

/** @param {Audit} audit */
const headPart = ({ about }) => {
  const now = new Date().toISOString();
  return paragraphs([
    `# Audit of ${text(about?.name ?? 'a repository')}`,
    `Made on ${now.slice(0, 10)} at ${now.slice(11, 16)} UTC by the job repo-audit, offline: nothing was run, installed or asked of a server.`,
  ]);
};

/** @param {Audit} audit */
const untoldPart = (audit) => {
  const missing = missingSections(audit);
  return missing.length === 0
    ? ''
    : paragraphs([
        '## What could not be told',
        `These analyses failed: ${list(missing)}. The run's tool calls say why.`,
      ]);
};

const audit = await readAudit();
const parts = [
  headPart,
  firstPart,
  untoldPart,
  aboutPart,
  sizePart,
  secretsPart,
  dependenciesPart,
  historyPart,
  testsPart,
  notesPart,
  housePart,
];
process.stdout.write(`${paragraphs(parts.map((part) => part(audit)))}\n`);
