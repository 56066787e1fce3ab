/** Owns what deserves a look first: at most five findings, the weightiest first. */
import { dependencyFindings } from './dependency-findings.mjs';
import { historyFindings } from './history-findings.mjs';
import { houseFindings } from './house-findings.mjs';
import { secretFindings } from './secret-findings.mjs';

const MOST = 5;

/**
 * @param {import('./audit.mjs').Audit} audit
 * @returns {import('./finding.mjs').Finding[]}
 */
export const findingsOf = (audit) =>
  [...secretFindings(audit), ...dependencyFindings(audit), ...historyFindings(audit), ...houseFindings(audit)]
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MOST);
