/** Owns the bounds of working memory (design, section 6), for all who know of them before anything is sent. */

/** Less than 512 × 1024. */
export const ARTIFACT_MAX_BYTES = 512 * 1024 - 1;
/** Of one job. */
export const ARTIFACT_MAX_COUNT = 1_000;
/** So long what a job owns stays after its last sign of life. */
export const ARTIFACT_KEPT_MS = 3_600_000;
export const CONTRACT_KEPT_MS = 2 * 3_600_000;
