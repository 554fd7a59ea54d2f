"""Writes a file to a share in the way of a desktop: smb_writer.py PORT explorer|finder SOURCE NAME.

Explorer gives the file its final size first, then the data, then a time of modification in the past; all on one handle.
The Finder makes an empty file and closes it, writes half and closes, writes the rest and closes.
"""
import struct
import sys
import time

from impacket.smb3structs import FILE_READ_DATA, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA
from impacket.smbconnection import SMBConnection

SET_BASIC_INFO, SET_END_OF_FILE = 4, 20
OLD = 132_000_000_000_000_000  # 2019, in units of 100 ns since 1601.
STALL_SECONDS = 1.5


def main(port, kind, source, name):
    data = open(source, "rb").read()
    connection = SMBConnection("FARM", "127.0.0.1", sess_port=int(port))
    connection.login("artist", "")
    tree = connection.connectTree("farm")
    access = FILE_READ_DATA | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES
    half = len(data) // 2

    def create():
        return connection.createFile(tree, name, desiredAccess=access)

    def reopen():
        return connection.openFile(tree, name, desiredAccess=access)

    if kind == "explorer":
        low = connection.getSMBServer()
        handle = create()
        low.setInfo(tree, handle, struct.pack("<Q", len(data)), fileInfoClass=SET_END_OF_FILE)
        connection.writeFile(tree, handle, data[:half])
        time.sleep(STALL_SECONDS)
        connection.writeFile(tree, handle, data[half:], offset=half)
        times = struct.pack("<QQQQLL", OLD, OLD, OLD, OLD, 0x20, 0)
        low.setInfo(tree, handle, times, fileInfoClass=SET_BASIC_INFO)
        connection.closeFile(tree, handle)
    else:
        connection.closeFile(tree, create())
        for piece, offset in ((data[:half], 0), (data[half:], half)):
            time.sleep(STALL_SECONDS / 2)
            handle = reopen()
            connection.writeFile(tree, handle, piece, offset=offset)
            connection.closeFile(tree, handle)
    connection.logoff()


main(*sys.argv[1:])
