import { expect, test } from 'vitest';
import { addUser, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

test('forty sign-ins at once: no bcrypt keeps the answers of a healthy store from being read', async () => {
  const people = await Promise.all(Array.from({ length: 40 }, () => addUser(stage.cloud)));
  const answers = await Promise.all(
    people.map((person) =>
      stage.worker.fetch('https://login.example.org/api/v1/sessions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username: person.username, password: PASSWORD }),
      }),
    ),
  );
  const statuses = answers.map((answer) => answer.status);
  // On a slow machine the last ones may be told to come again, by us and in time, never by a store's time-out.
  expect(statuses.every((status) => status === 201 || status === 503)).toBe(true);
  expect(stage.worker.logs.join('\n')).not.toContain('store_unavailable');
});
