import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Adds what was said to the page of the workflow's run; elsewhere nothing happens (GitHub Actions, "job summary"). */
export function addStepSummary(heading: string, lines: readonly string[]): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  const text = lines.map(stripVTControlCharacters).join('\n');
  appendFileSync(file, `### ${heading}\n\n\`\`\`\n${text}\n\`\`\`\n`);
}
