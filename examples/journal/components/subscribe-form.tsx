'use client';

import { useActionState } from 'react';
import { subscribe, type State } from '@/app/subscribe/actions';

const start: State = { message: null, errors: {} };

export function SubscribeForm() {
  const [state, action, pending] = useActionState(subscribe, start);
  return (
    <form action={action} noValidate>
      <label htmlFor="name">Name</label>
      <input id="name" name="name" aria-describedby="name-error" />
      <p id="name-error" aria-live="polite">{state.errors.name}</p>
      <label htmlFor="email">Email</label>
      <input id="email" name="email" type="email" aria-describedby="email-error" />
      <p id="email-error" aria-live="polite">{state.errors.email}</p>
      {state.message && <p role="alert">{state.message}</p>}
      <button type="submit" disabled={pending}>Subscribe</button>
    </form>
  );
}
