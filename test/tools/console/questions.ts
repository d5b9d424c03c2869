import { RETENTION } from './retention.ts';
import { VIEWS } from './views.ts';
import { WHAT_TO_LOOK_INTO } from './what-to-look-into.ts';
import { WHO_DID_WHAT } from './who-did-what.ts';

/** In the order of docs/operators.md. */
export const QUESTIONS = [...WHO_DID_WHAT, ...WHAT_TO_LOOK_INTO, ...VIEWS, ...RETENTION];

/** Those in the page's table of costs. */
export const QUESTIONS_WITH_COST = QUESTIONS.filter(({ hasCost }) => hasCost !== false);
