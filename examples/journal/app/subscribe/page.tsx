import type { Metadata } from 'next';
import { SubscribeForm } from '@/components/subscribe-form';

export const metadata: Metadata = { title: 'Subscribe' };

export default function Subscribe() {
  return (
    <>
      <h1>Subscribe</h1>
      <SubscribeForm />
    </>
  );
}
