'use server';

import { redirect } from 'next/navigation';

export interface State { message: string | null; errors: { name?: string; email?: string } }

export async function subscribe(previous: State, data: FormData): Promise<State> {
  const name = String(data.get('name') ?? '').trim();
  const email = String(data.get('email') ?? '').trim();
  const errors: State['errors'] = {};
  if (name.length < 2) errors.name = 'Please tell us your name.';
  if (!email.includes('@')) errors.email = 'That is not an email address.';
  if (errors.name || errors.email) return { message: 'You are not subscribed yet.', errors };
  redirect('/subscribe/thanks');
}
