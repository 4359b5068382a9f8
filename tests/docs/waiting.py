import asyncio
import os
import subprocess
import sys
import threading

import httpx


def test_a_thread(june):
    thread = threading.Thread(target=june.client.identify, kwargs={"userId": "1"})
    thread.start()
    june.assert_received("identify", userId="1", within=5)  # waits up to 5 seconds
    thread.join()


def test_a_subprocess(june):
    code = """
import os
from mock_june.client import JuneClient
with JuneClient(os.environ["JUNE_URL"], os.environ["JUNE_API_KEY"]) as client:
    client.identify(userId="1")
"""
    subprocess.run([sys.executable, "-c", code], env=os.environ | june.env, check=True)
    june.assert_received("identify", userId="1")


async def sends(url, key):
    async with httpx.AsyncClient() as http:
        await http.post(f"{url}/api/identify", json={"type": "identify", "userId": "1"}, headers={"Authorization": f"Basic {key}"})


async def check(fixture):
    async with fixture.aio() as june:  # waits on this loop, where the code under test runs
        task = asyncio.create_task(sends(june.url, june.key))
        await june.assert_received("identify", userId="1", within=5)
        await task


def test_an_event_loop(june):
    asyncio.run(check(june))  # with pytest-asyncio or anyio: `async def test_…(june)`
