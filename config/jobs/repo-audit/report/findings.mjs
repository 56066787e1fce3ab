/** Owns what deserves a look first: at most five findings, the weightiest first. */
import { missingSections } from './audit.mjs';
import { dependencyFindings } from './dependency-findings.mjs';
import { historyFindings } from './history-findings.mjs';
import { houseFindings } from './house-findings.mjs';
import { secretFindings } from './secret-findings.mjs';

const MOST = 5;

/** What is said where there are no findings. @param {import('./audit.mjs').Audit} audit */
export const nothingFound = (audit) =>
  missingSections(audit).length === 0
    ? 'Nothing stands out.'
    : 'Nothing stands out in what could be told, and not all could.';

/**
 * @param {import('./audit.mjs').Audit} audit
 * @returns {import('./finding.mjs').Finding[]}
 */
export const findingsOf = (audit) =>
  [...secretFindings(audit), ...dependencyFindings(audit), ...historyFindings(audit), ...houseFindings(audit)]
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MOST);
