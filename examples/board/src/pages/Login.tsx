import { useState, type FormEvent } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { useSession } from '../state/session';

export function Login() {
  const { signIn } = useSession();
  const navigate = useNavigate();
  const location = useLocation();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!username) return setError('Username is required');
    if (!password) return setError('Password is required');
    if (!signIn(username, password)) return setError('Username and password do not match');
    navigate(location.state?.from ?? '/');
  }

  return (
    <>
      <h1>Sign in</h1>
      <form onSubmit={submit}>
        {error && <div role="alert" data-testid="login-error">{error}</div>}
        <input placeholder="Username" value={username} onChange={(event) => setUsername(event.target.value)} data-testid="username" />
        <input placeholder="Password" type="password" value={password} onChange={(event) => setPassword(event.target.value)} data-testid="password" />
        <button type="submit">Sign in</button>
      </form>
    </>
  );
}
