/** Owns the findings about history: hot spots, who knows the code, what went quiet. */
import { code, counted, day, number, share, text } from './markdown.mjs';
import { createFinding } from './finding.mjs';

/** @import { Finding } from './finding.mjs' */

const QUIET_S = 2 * 365 * 86_400;
const HOT_CHANGES = 10;
const HOT_LINES = 300;
/** A hot spot stands out: it has this part of all changes × lines, and so many times what one file has on average. */
const HOT_SHARE = 0.1;
const HOT_TIMES = 3;

/** @param {import('./audit.mjs').Audit} audit @returns {Finding[]} */
const hotSpotFindings = ({ hotSpots }) => {
  if (hotSpots?.state !== 'git') return [];
  const hottest = hotSpots.hotSpots[0];
  if (hottest === undefined || hottest.changeCount < HOT_CHANGES || hottest.lineCount < HOT_LINES) return [];
  if (hottest.share < Math.max(HOT_SHARE, HOT_TIMES / hotSpots.weighedCount)) return [];
  const weight = 44 + Math.min(12, Math.round(hottest.share * 40));
  const by = hottest.authorCount > 1 ? ` by ${hottest.authorCount} people` : '';
  const title = `${code(hottest.path)}: ${number(hottest.lineCount)} lines, changed ${number(hottest.changeCount)} times${by}`;
  return [
    createFinding(
      weight,
      title,
      `Size and change meet there more than anywhere else (${share(hottest.share, 1)} of changes × lines): where errors are most likely, and where a split or a test pays first.`,
    ),
  ];
};

/** @param {import('../history.mjs').HistoryFacts} history @returns {Finding[]} */
const peopleFindings = ({ commits }) => {
  const first = commits.authors[0];
  const byPeople = commits.commitCount - commits.botCommitCount;
  if (first === undefined || byPeople < 100 || commits.authorCount < 3 || first.commitCount / byPeople < 0.85)
    return [];
  return [
    createFinding(
      28,
      `One person made ${share(first.commitCount, byPeople)} of the commits`,
      'What only one person knows leaves with that person.',
    ),
  ];
};

/** @param {import('../history.mjs').HistoryFacts} history @param {number} nowS @returns {Finding[]} */
const quietFindings = ({ commits }, nowS) =>
  commits.commitCount > 0 && nowS - commits.lastAtS > QUIET_S
    ? [
        createFinding(
          33,
          `Nothing was committed since ${day(commits.lastAtS)}`,
          'Dependencies age meanwhile. If it is in use, see whether it still builds.',
        ),
      ]
    : [];

/** @param {string} sentence */
const withoutStop = (sentence) => sentence.replace(/\.$/, '');

/** Git is there and does not tell: its own words, and what helps. @param {import('../about.mjs').AboutSection} about */
const refusalFinding = ({ remark, remedy }) =>
  createFinding(
    95,
    text(withoutStop(remark)),
    remedy === ''
      ? 'What changed, when and why cannot be told, nor which files are in git.'
      : `If you trust it, run ${code(remedy)} and audit again.`,
  );

/** @param {import('./audit.mjs').Audit} audit @returns {Finding[]} */
export const historyFindings = (audit) => {
  const { about, history, languages } = audit;
  if (about?.isRefused === true) return [refusalFinding(about)];
  if (history?.state === 'none') {
    if (about?.place === 'git')
      return [createFinding(95, text(withoutStop(history.reason)), 'What changed, when and why cannot be told.')];
    const hasCode = (languages?.languages ?? []).some(({ kind }) => kind === 'code');
    const isBare = about?.place === 'folder' && about.remark.startsWith('No git');
    return hasCode && isBare
      ? [createFinding(30, 'There is no git repository here', 'What changed, when and why is not kept anywhere.')]
      : [];
  }
  if (history === undefined) return [];
  const isEmpty = history.commits.commitCount === 0 && (languages?.own.fileCount ?? 0) > 0;
  const empty = isEmpty
    ? [
        createFinding(
          35,
          `Nothing is committed yet (${counted(languages?.own.fileCount ?? 0, 'file')})`,
          'Until the first commit nothing can be brought back.',
        ),
      ]
    : [];
  return [
    ...empty,
    ...hotSpotFindings(audit),
    ...peopleFindings(history),
    ...quietFindings(history, Date.now() / 1000),
  ];
};
