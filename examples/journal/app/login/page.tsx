import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';

export const metadata: Metadata = { title: 'Sign in' };

async function signIn(data: FormData) {
  'use server';
  if (data.get('word') !== process.env.JOURNAL_WORD) redirect('/login?wrong=1');
  (await cookies()).set('journal_author', 'yes');
  redirect('/write');
}

export default async function Login({ searchParams }: { searchParams: Promise<{ wrong?: string }> }) {
  const { wrong } = await searchParams;
  return (
    <>
      <h1>Authors only</h1>
      {wrong && <p role="alert">That is not the word.</p>}
      <form action={signIn}>
        <label htmlFor="word">The word</label>
        <input id="word" name="word" type="password" required minLength={4} />
        <button type="submit">Sign in</button>
      </form>
    </>
  );
}
