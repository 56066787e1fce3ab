/** Owns the report's part about history: activity, people, what changes most. */
import { code, counted, list, number, paragraphs, share, table, text } from './markdown.mjs';

/** @import { Audit } from './audit.mjs' */

const BAR_CHARS = 30;

/** @param {readonly { year: number, commitCount: number }[]} years */
const activity = (years) => {
  const most = Math.max(1, ...years.map(({ commitCount }) => commitCount));
  const rows = years.map(({ year, commitCount }) => [
    `${year}`,
    number(commitCount),
    '█'.repeat(Math.round((commitCount / most) * BAR_CHARS)),
  ]);
  return years.length < 2 ? '' : table(['Year', 'Commits>', ''], rows);
};

/** @param {import('../history.mjs').HistoryFacts} history */
const people = ({ commits }) => {
  if (commits.authors.length < 2) return '';
  const byPeople = commits.commitCount - commits.botCommitCount;
  return `Commits by person: ${list(
    commits.authors.map(({ name, commitCount }) => `${text(name)} ${share(commitCount, byPeople)}`),
    commits.authorCount,
  )}.`;
};

/** @param {import('../hot-spots.mjs').HotSpotsFacts} told */
const changes = (told) => {
  const span = told.isQuiet
    ? `Nothing was committed since ${told.sinceDate}. The newest commits before`
    : `Since ${told.sinceDate}`;
  const swept =
    told.sweepingCount > 0
      ? ` (not looked into: ${counted(told.sweepingCount, 'commit that touches', 'commits that touch')} more than 500 files)`
      : '';
  const spots = told.hotSpots.map((file) => [
    code(file.path),
    number(file.changeCount),
    number(file.lineCount),
    number(file.authorCount),
    share(file.share, 1),
  ]);
  const most = told.mostChanged.map((file) => [
    code(file.path),
    number(file.changeCount),
    file.lineCount === null ? 'not read' : number(file.lineCount),
    number(file.authorCount),
  ]);
  const folders = list(told.folders.map(({ folder, changeCount }) => `${code(folder)} ${number(changeCount)}`));
  return [
    `${span}: ${counted(told.commitCount, 'commit')} without merges${swept}; ${counted(told.fileCount, 'file')} changed${told.sweepingCount > 0 ? ' by the others' : ''}.`,
    text(told.problem),
    spots.length > 0 ? '### Hot spots: changes × lines of code' : '',
    table(['File', 'Changes>', 'Lines>', 'People>', 'Share>'], spots),
    most.length > 0 ? '### Most changed files' : '',
    table(['File', 'Changes>', 'Lines>', 'People>'], most),
    told.folders.length > 1 ? `Changes by folder: ${folders}.` : '',
  ];
};

/** @param {Audit} audit */
export const historyPart = ({ history, hotSpots }) => {
  if (history?.state === 'none') return paragraphs(['## History', text(history.reason)]);
  const facts = history === undefined ? [] : [text(history.problem), activity(history.commits.years), people(history)];
  const changed = hotSpots === undefined ? [] : hotSpots.state === 'git' ? changes(hotSpots) : [text(hotSpots.reason)];
  return facts.length + changed.length === 0 ? '' : paragraphs(['## History', ...facts, ...changed]);
};
