/** Owns the findings about secrets. */
import { code, counted, list } from './markdown.mjs';
import { createFinding } from './finding.mjs';

const REVOKE =
  'Whoever has a copy of the repository has it. Revoke it first: taking it out of the files leaves it in the history.';

/** @param {import('./audit.mjs').Audit} audit @returns {import('./finding.mjs').Finding[]} */
export const secretFindings = ({ secrets: told, languages }) => {
  if (told === undefined) return [];
  /** @type {import('./finding.mjs').Finding[]} */
  const findings = [];
  const isGit = languages?.source === 'git';
  const certain = told.secrets.filter((one) => one.certainty === 'certain' && !one.isSample);
  const worst = certain[0];
  if (worst !== undefined) {
    const others = told.counts.certain > 1 ? ` (and ${told.counts.certain - 1} more)` : '';
    const where = `${code(`${worst.path}:${worst.line}`)}${others}`;
    const isIn = worst.isTracked ? 'in git' : isGit ? 'not ignored' : 'in a file';
    findings.push(
      createFinding(
        worst.isTracked || !isGit ? 100 : 80,
        `A secret ${isIn}: ${worst.kind} in ${where}`,
        worst.isTracked
          ? REVOKE
          : 'It is one "git add" or one copy of the folder away from others. Keep it outside of the folder, or have git ignore it.',
      ),
    );
  }
  findings.push(...fileFindings(told, isGit));
  const likely = told.secrets.find(
    (one) => one.certainty === 'likely' && !one.isSample && one.kind !== 'JSON Web Token',
  );
  if (likely !== undefined) {
    const others = told.counts.likely > 1 ? ` (and ${counted(told.counts.likely - 1, 'more place')})` : '';
    findings.push(
      createFinding(
        64,
        `Perhaps a secret: ${likely.kind} in ${code(`${likely.path}:${likely.line}`)}${others}`,
        'It has the look of a real one; only a person can tell. If it is, revoke it.',
      ),
    );
  }
  return findings;
};

/** @param {import('../secrets.mjs').SecretsSection} told @param {boolean} isGit @returns {import('./finding.mjs').Finding[]} */
const fileFindings = (told, isGit) => {
  /** @type {import('./finding.mjs').Finding[]} */
  const findings = [];
  const tracked = told.files.filter((file) => file.isTracked);
  const first = tracked[0];
  if (first !== undefined) {
    const values = first.valueCount > 0 ? `, with ${counted(first.valueCount, 'value')}` : '';
    const others = tracked.length > 1 ? ` (and ${tracked.length - 1} more)` : '';
    findings.push(
      createFinding(
        90,
        `${code(first.path)} is in git${values}${others}`,
        `A file of this kind (${first.kind}) is for one machine. ${REVOKE}`,
      ),
    );
  } else if (isGit && told.files.length > 0) {
    findings.push(
      createFinding(
        55,
        `${list(told.files.slice(0, 3).map((file) => code(file.path)))}: not in git, but not ignored either`,
        'One "git add" and the values are in the history. A line in .gitignore prevents it.',
      ),
    );
  }
  const gone = told.deleted;
  if (gone.length > 0) {
    const names = list(
      gone.slice(0, 3).map((file) => code(file.path)),
      gone.length,
    );
    findings.push(
      createFinding(
        66,
        `Deleted, but still in the history: ${names}`,
        `Every clone has it (see commit ${code(gone[0]?.commit ?? '')} and before). If its values were real, they need to be replaced.`,
      ),
    );
  }
  return findings;
};
